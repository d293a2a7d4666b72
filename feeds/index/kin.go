package index

import (
	"cmp"
	"slices"
)

// Kin is a version of a release's story in another language.
type Kin struct {
	ID, Language, Slug string
}

// Kin are the versions in other languages of a story that is there now, one for
// each language, by language: those a release tells of whose event comes next.
// original is the release it says it is a translation of.
func (x *Index) Kin(id, language, original string) []Kin {
	x.mu.RLock()
	defer x.mu.RUnlock()
	return x.kin(id, language, original)
}

func (x *Index) kin(id, language, original string) []Kin {
	root := cmp.Or(original, id)
	if original == "" && len(x.translations[root]) == 0 {
		return nil
	}
	var out []Kin
	for _, other := range append([]string{root}, x.translations[root]...) {
		if o, ok := x.entries[other]; ok && other != id && !o.Withdrawn && o.Language != "" && o.Language != language {
			out = append(out, Kin{o.ID, o.Language, o.Slug()})
		}
	}
	slices.SortFunc(out, func(a, b Kin) int {
		return cmp.Or(cmp.Compare(a.Language, b.Language), cmp.Compare(a.ID, b.ID))
	})
	return slices.CompactFunc(out, func(a, b Kin) bool { return a.Language == b.Language })
}

// tell gives an entry its kin, and notes who was told of.
func (x *Index) tell(e *Entry) {
	if e.Withdrawn {
		return
	}
	e.Kin = x.kin(e.ID, e.Language, e.Original)
	for _, k := range e.Kin {
		if !slices.Contains(x.told[k.ID], e.ID) {
			x.told[k.ID] = append(x.told[k.ID], e.ID)
		}
	}
}

// hush takes an erased release out of what others tell of: a replay will not
// know that it ever was.
func (x *Index) hush(id string, seq uint64) {
	for _, teller := range x.told[id] {
		old, ok := x.entries[teller]
		if !ok {
			continue
		}
		fresh := old.without(id)
		if old.shelved != nil {
			fresh.shelved = old.shelved.without(id)
		}
		x.entries[teller] = fresh
		for _, l := range fresh.lists {
			l.replace(old, fresh)
			l.touched = seq
		}
	}
	delete(x.told, id)
}

func (e *Entry) without(id string) *Entry {
	out := *e
	out.Kin = slices.DeleteFunc(slices.Clone(e.Kin), func(k Kin) bool { return k.ID == id })
	return &out
}

// replace puts an entry in the place of one that is ordered alike.
func (l *list) replace(old, fresh *Entry) {
	for _, entries := range [][]*Entry{l.entries, l.of(monthOf(old.Published))} {
		if i := slices.Index(entries, old); i >= 0 {
			entries[i] = fresh
		}
	}
}
