package feeds

import (
	"strings"
	"testing"
)

// FuzzParsePart holds that a name is refused or means one document, whose own
// name means it too.
func FuzzParsePart(f *testing.F) {
	for _, s := range []string{"2026-11", "2026-11-2", "2026-11-02", "2026-13", "0000-01", "9999-12-2147483647", "2026-11-", "2026-11--2", "2026-1", "", "-"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, name string) {
		p, err := parsePart(name)
		if err != nil {
			return
		}
		if p.Number < 1 || p.Month < 1 || p.Month > 12 || p.Year < 0 || p.Year > 9999 {
			t.Fatalf("%q is read as %+v", name, p)
		}
		if again, err := parsePart(p.String()); err != nil || again != p {
			t.Fatalf("%q is %s, which is read as %+v: %v", name, p, again, err)
		}
		if !strings.HasPrefix(name, p.String()[:7]) {
			t.Fatalf("%q is read as %s", name, p)
		}
	})
}
