package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"slices"
	"strings"

	"dateline/publisher/news"

	"github.com/mmcdole/gofeed"
)

// verify checks every feed that any release touches, in each format, and every
// alert, against the corpus's labels. It names everything that is wrong.
func (d *demo) verify(ctx context.Context) error {
	feeds, wrong, err := d.verifyFeeds(ctx)
	if err != nil {
		return err
	}
	got, _ := d.sinks.all()
	wrong = append(wrong, d.verifyAlerts(got)...)
	pages, bad, err := d.verifyPages(ctx)
	if err != nil {
		return err
	}
	wrong = append(wrong, bad...)
	out := d.p.io.out
	fmt.Fprintf(out, "\n%d releases, %d events, %d feeds checked, %d pages checked, %d alerts arrived of %d due (%d recipients)\n",
		len(d.corpus.Releases), len(d.stages), feeds, pages, len(got), len(d.want), len(d.subscribers))
	if len(wrong) == 0 {
		fmt.Fprintln(out, "ok: every feed holds what it must, every alert arrived once")
		return nil
	}
	for _, w := range wrong {
		fmt.Fprintln(out, "wrong:", w)
	}
	return fmt.Errorf("%d things are not as they must be", len(wrong))
}

// latest returns the stages that the feeds must show: for each release its last
// one, the newest first.
func (d *demo) latest() []*stage {
	var out []*stage
	seen := map[string]bool{}
	for i := len(d.stages) - 1; i >= 0; i-- {
		if s := d.stages[i]; !seen[s.label.File] {
			seen[s.label.File] = true
			out = append(out, s)
		}
	}
	return out
}

func (d *demo) verifyFeeds(ctx context.Context) (checked int, wrong []string, err error) {
	t := d.app.cfg.taxonomy
	selections := map[string]news.Selection{}
	for _, l := range d.corpus.Releases {
		r := l.release()
		for _, s := range news.Touched(t, &r) {
			selections[s.Path()] = s
		}
	}
	current := d.latest()
	for path, s := range selections {
		for _, format := range []string{"rss", "atom", "json"} {
			var want []string
			for _, st := range current {
				r := st.label.release()
				if s.Match(t, &r) && (format != "atom" || st.kind != news.KindWithdrawn) {
					want = append(want, "urn:uuid:"+r.ID)
				}
			}
			got, err := d.feedIDs(ctx, "/feeds/"+path+"."+format)
			if err != nil {
				return checked, wrong, err
			}
			checked++
			if !slices.Equal(got, want) {
				wrong = append(wrong, fmt.Sprintf("/feeds/%s.%s: %s", path, format, difference(d, got, want)))
			}
		}
	}
	slices.Sort(wrong)
	return checked, wrong, nil
}

// feedIDs fetches a feed as a reader does and returns the ids of its entries.
func (d *demo) feedIDs(ctx context.Context, path string) ([]string, error) {
	res, err := d.get(ctx, path)
	if err != nil {
		return nil, err
	}
	defer res.Body.Close()
	body, err := io.ReadAll(res.Body)
	if err != nil {
		return nil, err
	}
	if res.StatusCode != http.StatusOK {
		return nil, fmt.Errorf("%s answered %s", path, res.Status)
	}
	feed, err := gofeed.NewParser().Parse(bytes.NewReader(body))
	if err != nil {
		return nil, fmt.Errorf("%s cannot be read: %w", path, err)
	}
	ids := make([]string, 0, len(feed.Items))
	for _, item := range feed.Items {
		ids = append(ids, item.GUID)
	}
	return ids, nil
}

func (d *demo) get(ctx context.Context, path string) (*http.Response, error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, d.app.url+path, nil)
	if err != nil {
		return nil, err
	}
	return d.client.http.Do(req)
}

// difference says in words how two lists of ids differ.
func difference(d *demo, got, want []string) string {
	name := func(id string) string {
		for _, l := range d.corpus.Releases {
			if "urn:uuid:"+news.NewID(l.Origin) == id {
				return l.File
			}
		}
		return id
	}
	var parts []string
	for _, id := range want {
		if !slices.Contains(got, id) {
			parts = append(parts, name(id)+" is missing")
		}
	}
	for _, id := range got {
		if !slices.Contains(want, id) {
			parts = append(parts, name(id)+" does not belong there")
		}
	}
	if len(parts) == 0 {
		return "the order is wrong"
	}
	return strings.Join(parts, ", ")
}

// verifyAlerts checks that nothing arrived that was not due, twice, or damaged.
func (d *demo) verifyAlerts(got []receipt) []string {
	var wrong []string
	times := map[receiptKey]int{}
	for _, r := range got {
		k := receiptKey{r.recipient, r.event}
		times[k]++
		switch s := d.want[k]; {
		case r.problem != "":
			wrong = append(wrong, fmt.Sprintf("the alert %s to %s: %s", r.event, r.recipient, r.problem))
		case s == nil:
			wrong = append(wrong, fmt.Sprintf("the alert %s to %s was not due", r.event, r.recipient))
		case times[k] == 2:
			wrong = append(wrong, fmt.Sprintf("the alert on %s to %s arrived more than once", s.label.File, r.recipient))
		}
	}
	return append(wrong, d.missing(got)...)
}

// verifyPages asks for the page of every release: 200, or 410 when withdrawn.
func (d *demo) verifyPages(ctx context.Context) (checked int, wrong []string, err error) {
	for _, s := range d.latest() {
		want := http.StatusOK
		if s.kind == news.KindWithdrawn {
			want = http.StatusGone
		}
		path := "/releases/" + news.NewID(s.label.Origin)
		res, err := d.get(ctx, path)
		if err != nil {
			return checked, wrong, err
		}
		if err := errors.Join(drain(res.Body), res.Body.Close()); err != nil {
			return checked, wrong, err
		}
		checked++
		if res.StatusCode != want {
			wrong = append(wrong, fmt.Sprintf("%s (%s) answers %s, not %d", path, s.label.File, res.Status, want))
		}
	}
	return checked, wrong, nil
}

func drain(r io.Reader) error {
	_, err := io.Copy(io.Discard, r)
	return err
}
