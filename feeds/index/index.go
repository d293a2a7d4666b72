package index

import (
	"cmp"
	"maps"
	"slices"
	"sync"

	"dateline/publisher/news"
)

// Index is the releases of a log by topic.
type Index struct {
	taxonomy *news.Taxonomy

	mu        sync.RWMutex
	applied   uint64
	withdrawn int
	entries   map[string]*Entry
	// translations are the ids of the translations of a release.
	translations map[string][]string
	told         map[string][]string // ids of those that have named a release as their kin
	all          *list
	topics       map[topic]*list
	numbered     int
}

// topic names a list. Countries have one without a role and one for each role.
type topic struct {
	kind news.TopicKind
	role news.Role
	slug string
}

// New makes an empty index over the topics of a taxonomy.
func New(t *news.Taxonomy) *Index {
	x := &Index{taxonomy: t, entries: map[string]*Entry{}, translations: map[string][]string{}, told: map[string][]string{}, topics: map[topic]*list{}}
	x.all = x.newList()
	for _, k := range news.TopicKinds {
		for _, topic := range t.Topics(k) {
			for _, role := range roles(k) {
				x.list(k, role, topic.Slug)
			}
		}
	}
	return x
}

func roles(k news.TopicKind) []news.Role {
	if k == news.KindCountry {
		return []news.Role{"", news.About, news.PlaceRole}
	}
	return []news.Role{""}
}

func (x *Index) newList() *list {
	l := &list{number: x.numbered}
	x.numbered++
	return l
}

func (x *Index) list(k news.TopicKind, role news.Role, slug string) *list {
	key := topic{k, role, slug}
	l, ok := x.topics[key]
	if !ok {
		l = x.newList()
		x.topics[key] = l
	}
	return l
}

// Apply takes the event with the sequence seq into the index. Events come in
// the order of the log; one that was applied already is passed over.
func (x *Index) Apply(seq uint64, e *news.Event) {
	x.mu.Lock()
	defer x.mu.Unlock()
	if seq <= x.applied {
		return
	}
	x.applied = seq
	old := x.entries[e.Release.ID]
	entry := x.entryOf(seq, e)
	if old != nil {
		entry.ID = old.ID // one string for all revisions
		x.follow(old, entry, e)
		x.takeOut(old, entry)
	}
	x.tell(entry)
	x.entries[entry.ID] = entry
	x.link(old, entry)
	if entry.Withdrawn {
		x.withdrawn++
	}
	for _, l := range entry.lists {
		l.insert(entry)
		l.touched = seq
		if entry.Filed == seq {
			l.arrivals = append(l.arrivals, entry)
		}
	}
	if e.Release.Erased && old != nil {
		x.forget(entry)
		x.hush(entry.ID, seq)
	}
}

// entryOf is the entry an event makes of a release that was not known before.
func (x *Index) entryOf(seq uint64, e *news.Event) *Entry {
	r := &e.Release
	size, surfaced, updated := sizeOf(r), r.SurfacedAt.UnixMilli(), r.UpdatedAt.UnixMilli()
	return &Entry{
		ID: r.ID, Seq: seq, Revision: r.Revision, Withdrawn: r.Status == news.Withdrawn, Routine: x.taxonomy.IsRoutine(r.Type),
		Language: r.Language, Original: r.TranslationOf, Surfaced: surfaced, Updated: updated, Published: r.PublishedAt.UnixMilli(), Size: size,
		Filed: seq, FiledAt: updated, title: r.Title, lists: x.listsOf(r), first: surfaced, weight: size,
	}
}

// follow gives an entry what it keeps of the one it replaces: nothing when the
// release is erased, because a replay will not find the earlier events.
func (x *Index) follow(old, entry *Entry, e *news.Event) {
	if e.Release.Erased {
		return
	}
	entry.first, entry.weight = old.first, old.weight
	if !filedAlike(old, entry) {
		return
	}
	entry.Filed, entry.FiledAt = old.Filed, old.FiledAt
	if e.Kind == news.KindRevised {
		entry.shelved = old.Archived()
	}
}

func filedAlike(a, b *Entry) bool {
	return monthOf(a.Published) == monthOf(b.Published) && slices.Equal(a.lists, b.lists)
}

// forget drops what is remembered of an erased release's earlier states.
func (x *Index) forget(e *Entry) {
	for _, l := range x.lists() {
		before := len(l.departures)
		l.departures = slices.DeleteFunc(l.departures, func(d departure) bool { return d.old.ID == e.ID })
		if len(l.departures) < before {
			l.touched = e.Seq
		}
	}
}

func (x *Index) lists() []*list {
	return append(slices.Collect(maps.Values(x.topics)), x.all)
}

// link keeps up which releases are translations of which.
func (x *Index) link(old, entry *Entry) {
	before := ""
	if old != nil {
		before = old.Original
	}
	if before == entry.Original {
		return
	}
	if before != "" {
		x.translations[before] = slices.DeleteFunc(x.translations[before], func(id string) bool { return id == entry.ID })
	}
	if entry.Original != "" {
		x.translations[entry.Original] = append(x.translations[entry.Original], entry.ID)
	}
}

// Translations are the same story in other languages: the original and its
// translations without the release itself and without withdrawn ones, by
// language.
func (x *Index) Translations(id string) []*Entry {
	x.mu.RLock()
	defer x.mu.RUnlock()
	e, ok := x.entries[id]
	if !ok {
		return nil
	}
	root := id
	if e.Original != "" {
		root = e.Original
	}
	var out []*Entry
	for _, other := range append([]string{root}, x.translations[root]...) {
		if o, ok := x.entries[other]; ok && other != id && !o.Withdrawn {
			out = append(out, o)
		}
	}
	slices.SortFunc(out, func(a, b *Entry) int {
		return cmp.Or(cmp.Compare(a.Language, b.Language), cmp.Compare(a.ID, b.ID))
	})
	return out
}

// takeOut removes an entry that next replaces, and remembers where it was
// filed when next is filed elsewhere.
func (x *Index) takeOut(old, next *Entry) {
	if old.Withdrawn {
		x.withdrawn--
	}
	for _, l := range old.lists {
		l.remove(old)
		l.touched = next.Seq
		if !filedAlike(old, next) {
			l.departures = append(l.departures, departure{next.Seq, next.Updated, old})
		}
	}
}

// listsOf are the distinct lists a release stands in, ordered by their number.
func (x *Index) listsOf(r *news.Release) []*list {
	lists := make([]*list, 0, 3+len(r.Fields)+2*len(r.Countries)+len(r.Sources))
	lists = append(lists, x.all)
	for _, f := range r.Fields {
		lists = append(lists, x.list(news.KindField, "", f.Slug))
	}
	for _, c := range r.Countries {
		lists = append(lists, x.list(news.KindCountry, "", c.Slug), x.list(news.KindCountry, c.Role, c.Slug))
	}
	for _, s := range r.Sources {
		lists = append(lists, x.list(news.KindSource, "", s.Slug))
	}
	lists = append(lists, x.list(news.KindType, "", r.Type), x.list(news.KindLanguage, "", r.Language))
	slices.SortFunc(lists, func(a, b *list) int { return a.number - b.number })
	return slices.Compact(lists)
}

// Applied is the sequence of the last event taken in.
func (x *Index) Applied() uint64 {
	x.mu.RLock()
	defer x.mu.RUnlock()
	return x.applied
}

// Len returns the number of releases, and how many of them are withdrawn.
func (x *Index) Len() (releases, withdrawn int) {
	x.mu.RLock()
	defer x.mu.RUnlock()
	return len(x.entries), x.withdrawn
}

// Find returns the entry of a release.
func (x *Index) Find(id string) (*Entry, bool) {
	x.mu.RLock()
	defer x.mu.RUnlock()
	e, ok := x.entries[id]
	return e, ok
}

// Count is the number of releases under a topic that a reader of its feed can
// come by: not withdrawn, and of a routine series only under its own type.
func (x *Index) Count(k news.TopicKind, slug string) int {
	x.mu.RLock()
	defer x.mu.RUnlock()
	l, ok := x.topics[topic{k, "", slug}]
	if !ok {
		return 0
	}
	if k == news.KindType {
		return l.shown
	}
	return l.plain
}

// Total is Count over all releases.
func (x *Index) Total() int {
	x.mu.RLock()
	defer x.mu.RUnlock()
	return x.all.plain
}
