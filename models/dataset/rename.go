package dataset

import (
	"fmt"
	"strings"
)

// Renames maps a class of the data to the class it is used as; the empty
// string drops it.
type Renames map[string]string

// ParseRenames reads the values of --map: "old=new" merges or renames,
// "old=" drops. A renamed class is not renamed again.
func ParseRenames(args []string) (Renames, error) {
	out := Renames{}
	for _, arg := range args {
		from, to, ok := strings.Cut(arg, "=")
		from, to = strings.TrimSpace(from), strings.TrimSpace(to)
		if !ok || from == "" {
			return nil, fmt.Errorf("--map %q: write old=new, or old= to drop a class", arg)
		}
		if before, twice := out[from]; twice && before != to {
			return nil, fmt.Errorf("--map: %q is mapped to both %q and %q", from, before, to)
		}
		out[from] = to
	}
	return out, nil
}
