// Command deb makes a Debian package for one kind of processor from its
// description in cross/package and what cross/build.sh has left in dist/. It is a module of its own, so that
// what nfpm needs stays out of the programs' go.mod.
package main

import (
	"errors"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"github.com/goreleaser/nfpm/v2"
	"github.com/goreleaser/nfpm/v2/deb"
)

func main() {
	name := flag.String("name", "", "of the package: cross/package/NAME.yaml describes it")
	arch := flag.String("arch", "", "amd64 or arm64")
	version := flag.String("version", "", "of the package")
	root := flag.String("root", ".", "the checkout")
	out := flag.String("out", "", "the package to make")
	flag.Parse()
	if err := run(*root, *name, *arch, *version, *out); err != nil {
		fmt.Fprintln(os.Stderr, "deb:", err)
		os.Exit(1)
	}
}

// run makes the package whole or not at all.
func run(root, name, arch, version, out string) error {
	if name == "" || arch == "" || version == "" || out == "" {
		return errors.New("-name, -arch, -version and -out are needed")
	}
	// The time of every file in the package; else it would be that of the build.
	if os.Getenv("SOURCE_DATE_EPOCH") == "" {
		return errors.New("SOURCE_DATE_EPOCH is not set: two builds would differ")
	}
	out, err := filepath.Abs(out)
	if err != nil {
		return err
	}
	if err := os.Chdir(root); err != nil { // descriptions name files of the checkout
		return err
	}
	info, err := describe(name, arch, version)
	if err != nil {
		return fmt.Errorf("read the description of %s: %w", name, err)
	}
	if err := writeNotices(filepath.Join("dist", arch, "doc", name), programs(info)); err != nil {
		return fmt.Errorf("gather licences: %w", err)
	}
	if err := nfpm.Validate(info); err != nil {
		return fmt.Errorf("check the description of %s: %w", name, err)
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

// describe reads a package's description for one processor.
func describe(name, arch, version string) (*nfpm.Info, error) {
	values := map[string]string{"ARCH": arch, "VERSION": version}
	file := filepath.Join("cross", "package", name+".yaml")
	config, err := nfpm.ParseFileWithEnvMapping(file, func(name string) string { return values[name] })
	if err != nil {
		return nil, err
	}
	info, err := config.Get("deb")
	if err != nil {
		return nil, err
	}
	return nfpm.WithDefaults(info), nil
}

// programs are the files of our own programs that a package holds.
func programs(info *nfpm.Info) []string {
	var files []string
	for _, content := range info.Contents {
		if strings.HasPrefix(content.Source, "dist/") && strings.HasPrefix(filepath.Base(content.Source), "gourdian") {
			files = append(files, content.Source)
		}
	}
	return files
}
