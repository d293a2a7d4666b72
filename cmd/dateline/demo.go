package main

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"time"

	"dateline/publisher/news"
	"dateline/subscribers"

	"github.com/rs/zerolog"
	"github.com/spf13/cobra"
)

func (p *program) demoCommand() *cobra.Command {
	var once bool
	cmd := &cobra.Command{
		Use:   "demo",
		Short: "Show the whole pipeline at work on bundled releases",
		Long: `Run everything on a folder that is thrown away: an embedded NATS server, a mail
server that delivers nothing, a webhook receiver, and some forty releases
written for this demo, with a correction and a withdrawal. It prints what each
release set off and stays, so that you can look at pages and feeds, until Ctrl-C.`,
		Example: `  dateline demo
  dateline demo --once        check every feed and alert, print the sums and end`,
		Args: exactly(),
		RunE: func(cmd *cobra.Command, _ []string) error {
			return p.demo(cmd.Context(), once)
		},
	}
	cmd.Flags().BoolVar(&once, "once", false, "check that every feed and alert is as it must be, and end")
	return cmd
}

// stage is one change of a release in the demo, and what it set off.
type stage struct {
	kind    news.Kind
	label   labelled
	title   string
	event   string
	start   time.Time
	visible time.Duration // until every feed showed it
	alerts  int
	slowest time.Duration // until the last of its alerts had arrived
}

// demo is one run of the whole pipeline.
type demo struct {
	p      *program
	app    *app
	client *client
	sinks  *sinks
	corpus corpus

	subscribers []demoSubscriber
	stages      []*stage
	want        map[receiptKey]*stage
}

type receiptKey struct{ recipient, event string }

// demoSubscriber is somebody who waits for alerts in the demo.
type demoSubscriber struct {
	channel   subscribers.Channel
	recipient string
	wishes    []news.Selection
}

func (p *program) demo(ctx context.Context, once bool) (err error) {
	d := &demo{p: p, want: map[receiptKey]*stage{}}
	if d.corpus, err = loadCorpus(); err != nil {
		return err
	}
	end, err := d.open(ctx, once)
	defer func() { err = errors.Join(err, end()) }()
	if err != nil {
		return err
	}
	if err := d.play(ctx); err != nil {
		return err
	}
	d.printStages()
	if once {
		return d.verify(ctx)
	}
	d.printAddresses()
	select {
	case <-ctx.Done():
		return nil
	case <-d.app.failed.Done():
		return errors.New("a part of the server has failed")
	}
}

// open starts sinks and server on a folder of their own. end undoes all of it
// and may be called whether or not open worked.
func (d *demo) open(ctx context.Context, once bool) (end func() error, err error) {
	var ends closers
	end = func() error { return ends.close(patience) }
	dir, err := os.MkdirTemp("", "dateline-demo-")
	if err != nil {
		return end, err
	}
	ends.add("the demo's folder", func(context.Context) error { return os.RemoveAll(dir) })
	if d.sinks, err = startSinks(ctx); err != nil {
		return end, err
	}
	ends.add("the demo's receivers", d.sinks.close)
	cfg := config{
		Data: filepath.Join(dir, "data"), Listen: freeOr(defaultListen, once), OpsListen: freeOr(defaultOps, once), Title: "Dateline demo",
		Roles: allRoles, Queues: 4, Replicas: 1, SMTPURL: d.sinks.mailURL, MailFrom: "dateline@localhost",
		AllowNetworks: []string{"127.0.0.0/8"}, LogLevel: "error", Key: rand.Text(),
	}
	good, err := cfg.check()
	if err != nil {
		return end, err
	}
	if d.app, err = startApp(ctx, good, d.p.logger(zerolog.ErrorLevel)); err != nil {
		return end, err
	}
	ends.add("the demo's server", func(context.Context) error { return d.app.close() })
	d.client = &client{base: d.app.url, key: cfg.Key, http: &http.Client{Timeout: time.Minute}}
	return end, nil
}

// freeOr is the usual address when it is free and somebody may want to look,
// else any free port.
func freeOr(usual string, anyPort bool) string {
	if anyPort {
		return "127.0.0.1:0"
	}
	l, err := net.Listen("tcp", usual) //nolint:noctx // a look whether the port is free
	if err != nil {
		return "127.0.0.1:0"
	}
	_ = l.Close()
	return usual
}

// play subscribes, publishes everything, then corrects and withdraws. Alerts
// of one part have arrived before the next begins, so that each is due exactly once.
func (d *demo) play(ctx context.Context) error {
	d.subscribers = demoSubscribers(d.sinks.hookURL)
	for _, s := range d.subscribers {
		if err := d.subscribe(ctx, s); err != nil {
			return err
		}
	}
	bar := d.p.progress(len(d.corpus.Releases), "publishing")
	for _, l := range d.corpus.Releases {
		doc, err := corpusDocument(l.File)
		if err != nil {
			return err
		}
		q := url.Values{"origin": {l.Origin}}
		if err := d.step(ctx, news.KindPublished, l, "/api/v1/releases?"+q.Encode(), doc); err != nil {
			return err
		}
		_ = bar.Add(1)
	}
	_ = bar.Finish()
	if err := d.awaitAlerts(ctx); err != nil {
		return err
	}
	for _, c := range d.corpus.Corrections {
		doc, err := corpusDocument(c.File)
		if err != nil {
			return err
		}
		if err := d.change(ctx, news.KindCorrected, c.Of, "correct", url.Values{"note": {c.Note}}, doc); err != nil {
			return err
		}
	}
	for _, w := range d.corpus.Withdrawals {
		if err := d.change(ctx, news.KindWithdrawn, w.Of, "withdraw", url.Values{"reason": {w.Reason}}, document{}); err != nil {
			return err
		}
	}
	return d.awaitAlerts(ctx)
}

func (d *demo) change(ctx context.Context, kind news.Kind, file, verb string, q url.Values, doc document) error {
	i := slices.IndexFunc(d.corpus.Releases, func(l labelled) bool { return l.File == file })
	if i < 0 {
		return fmt.Errorf("the demo's corpus: there is no %s", file)
	}
	l := d.corpus.Releases[i]
	return d.step(ctx, kind, l, "/api/v1/releases/"+news.NewID(l.Origin)+"/"+verb+"?"+q.Encode(), doc)
}

// step sends one change through the API and waits until every feed shows it.
func (d *demo) step(ctx context.Context, kind news.Kind, l labelled, path string, doc document) error {
	s := &stage{kind: kind, label: l, start: time.Now()}
	header := http.Header{"If-Match": {"*"}}
	if doc.kind != "" {
		header.Set("Content-Type", doc.kind)
	}
	var e event
	if _, err := d.client.call(ctx, http.MethodPost, path, header, doc.body, &e); err != nil {
		return fmt.Errorf("%s: %w", l.File, err)
	}
	rec, err := d.app.wire.Last(ctx, e.Subject)
	if err != nil {
		return err
	}
	if err := d.app.now().feeds.Await(ctx, rec.Seq); err != nil {
		return err
	}
	s.visible, s.event, s.title = time.Since(s.start), e.ID, e.Data.Title
	d.stages = append(d.stages, s)
	for _, sub := range d.subscribers {
		if sub.wants(d.app.cfg.taxonomy, l) {
			d.want[receiptKey{sub.recipient, e.ID}] = s
		}
	}
	return nil
}

// wants reports whether any of the wishes takes the release. It does not use
// the index that delivery uses: it is the oracle.
func (s *demoSubscriber) wants(t *news.Taxonomy, l labelled) bool {
	r := l.release()
	return slices.ContainsFunc(s.wishes, func(w news.Selection) bool { return w.Match(t, &r) })
}

// quiet is how long the demo waits without any arrival before it gives up.
const quiet = 20 * time.Second

// awaitAlerts waits until every alert that is due has arrived.
func (d *demo) awaitAlerts(ctx context.Context) error {
	for {
		got, next := d.sinks.all()
		missing := d.missing(got)
		if len(missing) == 0 {
			return nil
		}
		timer := time.NewTimer(quiet)
		select {
		case <-next:
		case <-ctx.Done():
			timer.Stop()
			return ctx.Err()
		case <-timer.C:
			return fmt.Errorf("%d of %d alerts have not arrived:\n  %s", len(missing), len(d.want), strings.Join(missing[:min(10, len(missing))], "\n  "))
		}
		timer.Stop()
	}
}

func (d *demo) missing(got []receipt) []string {
	arrived := map[receiptKey]bool{}
	for _, r := range got {
		arrived[receiptKey{r.recipient, r.event}] = true
	}
	var missing []string
	for k, s := range d.want {
		if !arrived[k] {
			missing = append(missing, fmt.Sprintf("%s of %s to %s", s.kind, s.label.File, k.recipient))
		}
	}
	slices.Sort(missing)
	return missing
}

// printStages prints for each change what it set off and how long it took.
func (d *demo) printStages() {
	got, _ := d.sinks.all()
	for _, r := range got {
		if s := d.want[receiptKey{r.recipient, r.event}]; s != nil {
			s.alerts++
			s.slowest = max(s.slowest, r.at.Sub(s.start))
		}
	}
	t := d.app.cfg.taxonomy
	var rows [][]string
	for _, s := range d.stages {
		r := s.label.release()
		last := ""
		if s.alerts > 0 {
			last = millis(s.slowest)
		}
		rows = append(rows, []string{
			string(s.kind), short(s.title, 44), short(topicNames(t, &r), 48),
			strconv.Itoa(documents * len(news.Touched(t, &r))), millis(s.visible), strconv.Itoa(s.alerts), last,
		})
	}
	printTable(d.p.io.out, []string{"event", "release", "topics", "documents", "in feeds", "alerts", "last alert"}, rows)
}

// documents is the number of formats a feed has.
const documents = 3

func millis(d time.Duration) string { return fmt.Sprintf("%.1f ms", float64(d.Microseconds())/1000) }

func topicNames(t *news.Taxonomy, r *news.Release) string {
	var names []string
	for _, f := range r.FieldSlugs() {
		names = append(names, t.Name(news.KindField, f))
	}
	for _, c := range r.CountrySlugs() {
		names = append(names, t.Name(news.KindCountry, c))
	}
	return strings.Join(names, ", ")
}

func (d *demo) printAddresses() {
	s := paintFor(d.p.io.err, d.p.env)
	fmt.Fprintf(d.p.io.err, "\n%s\n", s.bold("Everything arrived. Have a look:"))
	for _, line := range [][2]string{
		{"topics", "/"},
		{"a topic", "/feeds/field/policing"},
		{"the same as a feed", "/feeds/field/policing.atom"},
		{"a combination", "/feeds/field/elections+human-rights/country/central-asia.rss"},
		{"all releases", "/feeds/all.json"},
	} {
		fmt.Fprintf(d.p.io.err, "  %-20s %s%s\n", line[0], d.app.url, line[1])
	}
	fmt.Fprintf(d.p.io.err, "  %-20s %s/metrics\n", "figures", d.app.ops)
	fmt.Fprintf(d.p.io.err, "%s\n", s.faint("Ctrl-C ends the demo and removes its data."))
}
