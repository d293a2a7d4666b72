package main

import (
	"context"
	"fmt"
	"net/http"
	"strings"
	"time"

	"dateline/publisher"
	"dateline/publisher/access"
	"dateline/publisher/news"
	"dateline/publisher/topics"
)

// taxonomyWish is a change of the taxonomy as it is asked for.
type taxonomyWish struct {
	Op     string         `json:"op"` // rename, merge or retire
	Kind   news.TopicKind `json:"kind"`
	Slug   string         `json:"slug"`
	To     string         `json:"to,omitempty"`
	Name   string         `json:"name,omitempty"`
	DryRun bool           `json:"dry_run,omitempty"`
	Quiet  bool           `json:"quiet,omitempty"` // without a notice to who follows the topic
}

// taxonomyEffect is what a change of the taxonomy does, or would do.
type taxonomyEffect struct {
	topics.Change
	Releases      int               `json:"releases"`          // that are filed under the topic
	Subscriptions int               `json:"subscriptions"`     // that name it
	Redirects     map[string]string `json:"redirects"`         // addresses of feeds that lead elsewhere from now on
	Waiting       int               `json:"waiting,omitempty"` // at the desk; they come out under the retired topic
	Notice        string            `json:"notice,omitempty"`
	NoticeID      string            `json:"notice_id,omitempty"` // the release that tells of it
	Done          bool              `json:"done"`
	Unknown       []string          `json:"unknown,omitempty"` // what another process would know
}

// maxWish is the largest body that asks for a change of the taxonomy, in bytes.
const maxWish = 64 << 10

// taxonomyHandler lists the changes of the taxonomy (GET), or makes one (POST).
func (a *app) taxonomyHandler() http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("GET /api/v1/taxonomy", a.answer(a.getTaxonomy))
	mux.HandleFunc("POST /api/v1/taxonomy", a.answer(a.postTaxonomy))
	return access.Routes(mux)
}

func (a *app) getTaxonomy(*http.Request) (any, error) {
	return map[string]any{"changes": a.topics.Changes()}, nil
}

func (a *app) postTaxonomy(r *http.Request) (any, error) {
	if err := access.Need(r.Context(), access.Admin); err != nil {
		return nil, err
	}
	var wish taxonomyWish
	if err := access.Body(r, &wish, `the body is not a change like {"op":"rename","kind":"field","slug":"policing","to":"police-matters","name":"Police matters"}`); err != nil {
		return nil, err
	}
	return a.changeTaxonomy(r.Context(), wish)
}

// changeTaxonomy stores the change, then tells who follows the topic: nobody is
// told of what has not happened. Every process takes it up by itself; this one has
// when the answer goes out, unless that takes long. Once it is stored, a client
// that goes away stops nothing.
func (a *app) changeTaxonomy(ctx context.Context, wish taxonomyWish) (taxonomyEffect, error) {
	a.changing.Lock()
	defer a.changing.Unlock()
	now := time.Now().UTC()
	out := taxonomyEffect{Change: topics.Change{
		TopicChange: news.TopicChange{Op: wish.Op, Kind: wish.Kind, Slug: wish.Slug, To: wish.To, Name: news.CleanLine(wish.Name), Day: now.Format(time.DateOnly)},
		Time:        now.Truncate(time.Millisecond), By: access.From(ctx).Name,
	}, Redirects: map[string]string{}}
	old := a.topics.Current()
	next, err := a.topics.Try(out.TopicChange)
	if err == nil && next == old {
		err = news.Problemf(news.Conflict, "nothing would change: %s is so already", inWords(&out.TopicChange))
	}
	if err != nil {
		return out, err
	}
	if err := a.measure(ctx, &out, next); err != nil || wish.DryRun {
		return out, err
	}
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), 2*takeUp)
	defer cancel()
	refused, err := a.now().pub.Note(ctx, "taxonomy", out.Op, inWords(&out.TopicChange))
	if err != nil {
		return out, err
	}
	if err := a.topics.Make(ctx, out.Change); err != nil {
		refused(err)
		return out, err
	}
	out.Done = true
	a.awaitTaxonomy(ctx)
	if topic, _ := old.Topic(out.Kind, out.Slug); !wish.Quiet && topic.Retired == "" {
		e, _, err := a.now().pub.Publish(ctx, notice(old, next, out.Change, a.url), publisher.Intent{Notice: true})
		if err != nil { // the change is made all the same
			a.log.Error().Err(err).Msg("who follows a topic was not told of its change")
			return out, nil
		}
		out.NoticeID = e.Release.ID
	}
	return out, nil
}

// measure counts what the change touches, and says which feeds move.
func (a *app) measure(ctx context.Context, out *taxonomyEffect, next *news.Taxonomy) (err error) {
	p := a.now()
	out.Releases = p.pub.Filed(out.Kind, out.Slug)
	if p.subs == nil {
		out.Unknown = append(out.Unknown, "subscriptions")
	} else if out.Subscriptions, err = p.subs.Following(ctx, out.Kind, out.Slug); err != nil {
		return err
	}
	if now := next.Current(out.Kind, out.Slug); now != out.Slug {
		for _, ext := range []string{"", ".rss", ".atom", ".json"} {
			out.Redirects["/feeds/"+string(out.Kind)+"/"+out.Slug+ext] = "/feeds/" + string(out.Kind) + "/" + now + ext
		}
	}
	out.Notice = noticeText(next, out.Change, a.url)
	if out.Op == news.RetireTopic {
		out.Waiting = p.pub.WaitingFor(out.Kind, out.Slug)
	}
	return nil
}

// inWords is a change in a line.
func inWords(c *news.TopicChange) string {
	line := string(c.Kind) + "/" + c.Slug
	if c.To != "" {
		line += " → " + c.To
	}
	if c.Name != "" {
		line += " “" + c.Name + "”"
	}
	return line
}

// notice is the release that tells who follows a topic what becomes of it. It is
// filed under the topic, so it reaches them by every channel, and a retired
// topic's feed ends with it.
func notice(old, next *news.Taxonomy, c topics.Change, base string) news.Release {
	text := noticeText(next, c, base)
	r := news.Release{
		Origin: fmt.Sprintf("dateline:taxonomy:%s:%s:%s", c.Op, inWords(&c.TopicChange), c.Time.Format(time.RFC3339Nano)),
		Title:  noticeTitle(old, next, c), Text: text, HTML: "<p>" + strings.ReplaceAll(text, "&", "&amp;") + "</p>", Summary: text, Language: "en",
		PublishedAt: c.Time,
	}
	for _, t := range next.Topics(news.KindType) {
		if t.Slug == "news" && t.Retired == "" {
			r.Type = t.Slug
		}
	}
	slug := next.Current(c.Kind, c.Slug) // the change is made when this goes out
	evidence := news.Evidence{Rule: "editor", Confidence: 1}
	if members := next.Members(c.Kind, slug); members != nil {
		slug = members[0] // a group is followed through its members
	} else {
		r.Tells = &news.TopicRef{Kind: c.Kind, Slug: slug}
	}
	switch c.Kind {
	case news.KindField:
		r.Fields = []news.Tag{{Slug: slug, Evidence: evidence}}
	case news.KindCountry:
		r.Countries = []news.CountryTag{{Slug: slug, Role: news.About, Evidence: evidence}}
	case news.KindSource:
		r.Sources = []news.Tag{{Slug: slug, Evidence: evidence}}
	case news.KindType:
		r.Type = slug
	case news.KindLanguage:
		r.Language = slug
	}
	return r
}

func noticeTitle(old, next *news.Taxonomy, c topics.Change) string {
	was := old.Name(c.Kind, c.Slug)
	switch now := next.Name(c.Kind, next.Current(c.Kind, c.Slug)); {
	case c.Op == news.RetireTopic:
		return fmt.Sprintf("The topic “%s” is retired", was)
	case c.Op == news.MergeTopic:
		return fmt.Sprintf("The topic “%s” is now part of “%s”", was, now)
	case was == now:
		return fmt.Sprintf("The topic “%s” has a new address", was)
	default:
		return fmt.Sprintf("The topic “%s” is now called “%s”", was, now)
	}
}

func noticeText(next *news.Taxonomy, c topics.Change, base string) string {
	now := next.Current(c.Kind, c.Slug)
	address := base + "/feeds/" + string(c.Kind) + "/" + now
	switch {
	case c.Op == news.RetireTopic:
		return "Nothing new will be filed under it. Its releases stay where they are; its feed, " + address + ", will end in a year. If you follow it, choose another topic."
	case now == c.Slug:
		return "Only the name has changed; its feeds stay at " + address + "."
	}
	return "Its releases are at " + address + " from now on, and the old address leads there. If you follow it by feed reader, e-mail or webhook, you need do nothing."
}

const takeUp = 10 * time.Second // how long an answer waits for what happens beside it

func (a *app) awaitTaxonomy(ctx context.Context) {
	wanted := a.topics.Current()
	a.await(ctx, func() bool { return a.now().taxonomy == wanted })
}

// await looks until it is so, the time is over, or ctx ends.
func (a *app) await(ctx context.Context, so func() bool) {
	ctx, cancel := context.WithTimeout(ctx, takeUp)
	defer cancel()
	tick := time.NewTicker(10 * time.Millisecond)
	defer tick.Stop()
	for !so() {
		select {
		case <-tick.C:
		case <-ctx.Done():
			return
		}
	}
}
