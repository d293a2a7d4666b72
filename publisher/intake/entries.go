package intake

import (
	"cmp"
	"context"
	"crypto/sha256"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"time"

	"dateline/publisher"
	"dateline/publisher/news"
	"dateline/publisher/read"

	"github.com/rs/zerolog"
)

const (
	// maxEntries is how many entries of one answer are looked at.
	maxEntries = 10_000
	// fresh is how old the date of an entry that turns up may be for it to alert:
	// an older one comes from a feed that was rebuilt, moved or made longer.
	fresh = 7 * 24 * time.Hour
	// daylight is how far a date without a time may lie before the same day elsewhere.
	daylight = 24 * time.Hour
)

// entry is one release of an answer.
type entry struct {
	release news.Release
	key     entryKey
	sum     entrySum
	said    string // origin, where the entry names none
	err     error  // why it cannot be read
}

// tally counts what came of one answer.
type tally struct {
	outcomes map[publisher.Outcome]int
	again    int // were refused for a reason that may pass
}

func (t *tally) log(log zerolog.Logger, s *source) {
	log.Info().Str("source", Shown(s.address)).Int("created", t.outcomes[publisher.Created]).Int("revised", t.outcomes[publisher.Revised]).
		Int("unchanged", t.outcomes[publisher.Unchanged]).Int("refused", t.outcomes[publisher.Refused]).Msg("source pulled")
}

// entries publishes what is new or changed in a body, the oldest first. Its
// errors are those of the log; then what was seen is not noted, and the whole
// body comes again.
func (p *Puller) entries(ctx context.Context, s *source, m mark, body []byte) (tally, error) {
	t := tally{outcomes: map[publisher.Outcome]int{}}
	before, err := p.store.loadEntries(ctx, s.id)
	if err != nil {
		return t, err
	}
	list, err := p.split(ctx, s, body)
	if err != nil {
		return t, err
	}
	after := make(entryMarks, len(list))
	for _, e := range list {
		known, ok := before[e.key]
		if ok && known.sum == e.sum && !known.again {
			t.outcomes[publisher.Unchanged]++
			after[e.key] = known
			continue
		}
		outcome, err := p.publish(ctx, s, m, e)
		if errors.Is(err, errAway) || ctx.Err() != nil {
			return t, errors.Join(err, ctx.Err())
		}
		now := entryMark{sum: e.sum}
		if err != nil {
			now.again = news.CodeOf(err) != news.Conflict
			if !ok || known.sum != e.sum {
				p.complain(s, e, err)
			}
			outcome = publisher.Refused
		}
		if now.again {
			t.again++
		}
		t.outcomes[outcome]++
		after[e.key] = now
	}
	return t, p.store.saveEntries(ctx, s.id, after)
}

// split reads the entries of a body. A body that is none of a feed, export or
// list has none: what a site shows in place of its feed, a notice about its
// upkeep for instance, must not become a release.
func (p *Puller) split(ctx context.Context, s *source, body []byte) ([]entry, error) {
	var list []entry
	seen := map[entryKey]bool{}
	refuse := func(err error) {
		p.cfg.Log.Warn().Str("source", Shown(s.address)).Err(err).Msg("the source's answer cannot be read to its end")
	}
	for doc, err := range p.cfg.Reader.Each(body) {
		switch {
		case ctx.Err() != nil:
			return nil, ctx.Err()
		case err != nil && doc.Format == "":
			refuse(err)
			continue
		case !isList(doc.Format):
			refuse(errors.New("it is a page with one article; name a feed, an export or a listing"))
			return nil, nil
		}
		e := newEntry(s.id, doc, err)
		if seen[e.key] { // the first of them is the newest
			continue
		}
		if len(list) == maxEntries {
			refuse(fmt.Errorf("it has more than %d entries; the rest is passed over", maxEntries))
			break
		}
		seen[e.key] = true
		list = append(list, e)
	}
	slices.Reverse(list)
	slices.SortStableFunc(list, func(a, b entry) int { return a.release.PublishedAt.Compare(b.release.PublishedAt) })
	return list, nil
}

func isList(format string) bool {
	switch format {
	case read.FormatPage, read.FormatHTML, read.FormatMarkdown:
		return false
	}
	return true
}

// newEntry names an entry by its origin, else its address; where it has neither,
// as in a listing, by its title and day within its source.
func newEntry(id string, doc read.Proposal, err error) entry {
	e := entry{release: doc.Release, err: err}
	title := sha256.Sum256([]byte(doc.Release.Title + "\n" + doc.Release.PublishedAt.Format(time.DateOnly)))
	e.said = fmt.Sprintf("pull:%s#%x", id, title[:16])
	key := sha256.Sum256([]byte(cmp.Or(doc.Release.Origin, doc.Release.URL, e.said)))
	e.key = entryKey(key[:8])
	e.sum = sumOf(&doc.Release, err)
	return e
}

// sumOf is a hash of what the source itself says. What the reader adds, such as
// countries told from the text, is left out: a later version of it would
// otherwise publish everything anew, over what was mended here meanwhile.
func sumOf(r *news.Release, err error) entrySum {
	said := []any{r.Title, r.Text, r.HTML, r.URL, r.PublishedAt.UTC(), r.Type, r.FieldSlugs(), r.SourceSlugs(), r.Partial}
	for _, c := range r.Countries {
		if c.Evidence.Rule == "label" || c.Evidence.Rule == "editor" {
			said = append(said, c.Slug)
		}
	}
	if err != nil {
		said = append(said, err.Error())
	}
	b, _ := json.Marshal(said) // only absurd times fail, which are refused in any case
	sum := sha256.Sum256(b)
	return entrySum(sum[:8])
}

// publish publishes one entry.
func (p *Puller) publish(ctx context.Context, s *source, m mark, e entry) (publisher.Outcome, error) {
	if e.err != nil {
		return "", e.err
	}
	if words := read.EmbargoNotice(e.release.Title + "\n" + e.release.Text); words != "" {
		return "", embargoed(words)
	}
	event, outcome, err := publish(ctx, p.cfg.Publisher, "pull", e.release, publisher.Intent{Origin: e.said, Backfill: p.isOld(m, e)})
	if err != nil {
		return "", err
	}
	if outcome != publisher.Unchanged {
		p.cfg.Log.Info().Str("source", Shown(s.address)).Str("release_id", event.Release.ID).Str("event_id", event.ID()).Str("outcome", string(outcome)).Msg("entry published")
	}
	return outcome, nil
}

// isOld reports whether an entry is no news, so that it alerts nobody.
func (p *Puller) isOld(m mark, e entry) bool {
	date := e.release.PublishedAt
	return m.Since.IsZero() || date.Before(m.Since.Add(-daylight)) || date.Before(p.cfg.Now().Add(-fresh))
}

// complain says once why an entry cannot be published.
func (p *Puller) complain(s *source, e entry, err error) {
	log := p.cfg.Log.Warn()
	wrong, mendable := problems(err)
	if !mendable {
		log, wrong = p.cfg.Log.Error(), []string{err.Error()}
	}
	log.Str("source", Shown(s.address)).Str("title", e.release.Title).Str("entry", Shown(e.release.URL)).Strs("problems", wrong).Msg("entry refused")
}
