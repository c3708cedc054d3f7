// Command deb makes the Debian package of one kind of processor from nfpm.yaml
// and what cross/build.sh has left in dist/. It is a module of its own, so that
// what nfpm needs stays out of the programs' go.mod.
package main

import (
	"errors"
	"flag"
	"fmt"
	"os"
	"path/filepath"

	"github.com/goreleaser/nfpm/v2"
	"github.com/goreleaser/nfpm/v2/deb"
)

func main() {
	arch := flag.String("arch", "", "amd64 or arm64")
	version := flag.String("version", "", "of the package")
	root := flag.String("root", ".", "the checkout")
	out := flag.String("out", "", "the package to make")
	flag.Parse()
	if err := run(*root, *arch, *version, *out); err != nil {
		fmt.Fprintln(os.Stderr, "deb:", err)
		os.Exit(1)
	}
}

// run makes the package whole or not at all.
func run(root, arch, version, out string) error {
	if arch == "" || version == "" || out == "" {
		return errors.New("-arch, -version and -out are needed")
	}
	// The time of every file in the package; else it would be that of the build.
	if os.Getenv("SOURCE_DATE_EPOCH") == "" {
		return errors.New("SOURCE_DATE_EPOCH is not set: two builds would differ")
	}
	out, err := filepath.Abs(out)
	if err != nil {
		return err
	}
	if err := os.Chdir(root); err != nil { // nfpm.yaml names files of the checkout
		return err
	}
	if err := writeNotices(filepath.Join("dist", arch)); err != nil {
		return fmt.Errorf("gather licences: %w", err)
	}
	info, err := describe(arch, version)
	if err != nil {
		return fmt.Errorf("read nfpm.yaml: %w", err)
	}
	file, err := os.Create(out + ".part")
	if err != nil {
		return err
	}
	if err := errors.Join(deb.Default.Package(info, file), file.Close()); err != nil {
		return errors.Join(fmt.Errorf("package: %w", err), os.Remove(file.Name()))
	}
	return os.Rename(file.Name(), out)
}

// describe reads nfpm.yaml for one processor.
func describe(arch, version string) (*nfpm.Info, error) {
	values := map[string]string{"ARCH": arch, "VERSION": version}
	config, err := nfpm.ParseFileWithEnvMapping("cross/package/nfpm.yaml", func(name string) string { return values[name] })
	if err != nil {
		return nil, err
	}
	info, err := config.Get("deb")
	if err != nil {
		return nil, err
	}
	return nfpm.WithDefaults(info), nfpm.Validate(info)
}
