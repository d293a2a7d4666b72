package news

import (
	"maps"
	"slices"
)

// FormerStates lists the folded names of the former States, sorted:
// "serbia-and-montenegro". See [Taxonomy.Successors].
func (t *Taxonomy) FormerStates() []string { return slices.Sorted(maps.Keys(t.former)) }
