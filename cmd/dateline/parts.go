package main

import (
	"context"
	"net/http"
	"path/filepath"
	"time"

	"dateline/feeds"
	"dateline/publisher"
	"dateline/publisher/access"
	"dateline/publisher/news"
	"dateline/subscribers"

	"golang.org/x/sync/errgroup"
)

// parts are the components as they work with one state of the taxonomy, and the
// handler of all they serve. When the taxonomy changes, new ones take their place.
type parts struct {
	taxonomy *news.Taxonomy
	pub      *publisher.Publisher
	feeds    *feeds.Feeds
	subs     *subscribers.Subscribers
	handler  http.Handler

	// early is what may never stand still, late what takes its time to end. Each
	// stop ends what it belongs to and waits for it.
	early, late                    []func(context.Context) error
	stopFeeds, stopEarly, stopLate func()
}

// now are the components that answer.
func (a *app) now() *parts { return a.current.Load() }

// assemble makes the components for a taxonomy. Nothing runs yet.
func (a *app) assemble(ctx context.Context, t *news.Taxonomy) (_ *parts, err error) {
	p := &parts{taxonomy: t, stopFeeds: func() {}, stopEarly: func() {}, stopLate: func() {}}
	log := a.wire.ReadWith(t.Refile) // each state of the taxonomy reads the log in its own words
	mux := http.NewServeMux()
	mux.HandleFunc("/api/", unknownPath)
	mux.Handle(openAPIPath, openAPIHandler(a.url))
	for role, paths := range apiPaths() {
		for _, path := range paths {
			if !a.cfg.has(role) {
				mux.HandleFunc(path, otherRole(role))
			}
		}
	}
	if a.cfg.has(rolePublisher) {
		p.pub, err = publisher.New(ctx, publisher.Config{
			Wire: log, Taxonomy: t, BaseURL: a.url, Now: time.Now, Log: component(a.log, rolePublisher),
			Effects: func(ctx context.Context, prev *news.Release, e news.Event) (publisher.Effects, error) {
				return p.effects(ctx, prev, e, a.cfg.AlertHold)
			},
		})
		if err != nil {
			return nil, err
		}
		a.servePublisher(mux, p)
		p.early = append(p.early, p.pub.Run)
		p.early = append(p.early, a.intakes(p)...)
	}
	if a.cfg.has(roleFeeds) {
		p.feeds, err = feeds.New(feeds.Config{Wire: log, Taxonomy: t, BaseURL: a.url, Title: a.cfg.Title, Now: time.Now, Log: component(a.log, roleFeeds)})
		if err != nil {
			return nil, err
		}
		mux.Handle("/", p.feeds.Handler())
		if a.cfg.Export != "" {
			p.early = append(p.early, func(ctx context.Context) error { return p.feeds.Export(ctx, a.cfg.Export) })
		}
	}
	if a.cfg.has(roleSubscribers) {
		p.subs, err = subscribers.New(ctx, subscribers.Config{
			Wire: log, Taxonomy: t, BaseURL: a.url, Title: a.cfg.Title, Now: time.Now, Log: component(a.log, roleSubscribers),
			SMTPURL: a.cfg.SMTPURL, MailFrom: a.cfg.MailFrom, Outbox: filepath.Join(a.cfg.Data, "outbox"), AllowNetworks: a.cfg.networks, Hold: a.cfg.AlertHold,
		})
		if err != nil {
			return nil, err
		}
		api := a.keys.Require(access.Only(a.keys.Once(a.noted(p.subs.Handler())), access.Admin))
		mux.Handle("/api/v1/subscriptions", api)
		mux.Handle("/api/v1/subscriptions/", api)
		p.late = append(p.late, p.subs.Run)
	}
	p.handler = mux
	return p, nil
}

// apiPaths are the paths of the API by the role that answers them.
func apiPaths() map[string][]string {
	return map[string][]string{
		rolePublisher: {
			"/api/v1/releases", "/api/v1/releases/", "/api/v1/desk", "/api/v1/desk/", "/api/v1/events", "/api/v1/inspect", "/api/v1/import",
			"/api/v1/erasures", "/api/v1/trail/", "/api/v1/keys", "/api/v1/keys/", "/api/v1/taxonomy",
		},
		roleFeeds:       {"/"},
		roleSubscribers: {"/api/v1/subscriptions", "/api/v1/subscriptions/"},
	}
}

func (a *app) servePublisher(mux *http.ServeMux, p *parts) {
	api := a.keys.Require(a.keys.Once(p.pub.Handler()))
	for _, path := range []string{"/api/v1/releases", "/api/v1/releases/", "/api/v1/desk", "/api/v1/desk/", "/api/v1/inspect", "/api/v1/erasures", "/api/v1/trail/"} {
		mux.Handle(path, api)
	}
	mux.Handle("/api/v1/events", untilDrained(a.running, api))
	mux.Handle("/api/v1/import", untilDrained(a.running, api))
	keys := a.keys.Require(a.keys.Handler())
	mux.Handle("/api/v1/keys", keys)
	mux.Handle("/api/v1/keys/", keys)
	mux.Handle("/api/v1/taxonomy", a.keys.Require(a.taxonomyHandler()))
	mux.Handle("/api/v1/releases/{id}/trace", a.keys.Require(a.traceHandler()))
}

// startFeeds runs the feeds, startEarly and startLate the rest.
func (p *parts) startFeeds(a *app) {
	if p.feeds != nil {
		p.stopFeeds = a.run(p.feeds.Run)
	}
}

func (p *parts) startEarly(a *app) { p.stopEarly = a.run(p.early...) }
func (p *parts) startLate(a *app)  { p.stopLate = a.run(p.late...) }

// run runs functions until the app ends, one of them fails, or stop is called,
// which waits for their end.
func (a *app) run(fns ...func(context.Context) error) (stop func()) {
	ctx, cancel := context.WithCancel(a.failed)
	done := make(chan struct{})
	a.work.Go(func() error {
		defer close(done)
		g, ctx := errgroup.WithContext(ctx)
		for _, fn := range fns {
			g.Go(func() error { return fn(ctx) })
		}
		return g.Wait()
	})
	return func() { cancel(); <-done }
}

// retopic puts components that work with another taxonomy in the place of those
// that run. The new feeds have read the whole log, and the rest runs, before
// anybody is answered by them. What ends embargoes stands still for a moment only,
// whatever the deliveries take to end.
func (a *app) retopic(t *news.Taxonomy) error {
	next := a.insist(t)
	if next == nil {
		return nil // the app ends
	}
	old := a.now()
	next.startFeeds(a)
	if next.feeds != nil {
		last, err := a.wire.LastSeq(a.failed)
		if err == nil {
			err = next.feeds.Await(a.failed, last)
		}
		if err != nil && a.failed.Err() == nil {
			a.log.Warn().Err(err).Msg("the feeds do not know yet of everything under the changed taxonomy")
		}
	}
	old.stopEarly()
	next.startEarly(a)
	old.stopLate()
	next.startLate(a)
	next.settle(a.failed)
	a.current.Store(next)
	old.stopFeeds()
	a.log.Info().Msg("taxonomy changed")
	return nil
}

// insist assembles components until it succeeds; nil means that the app ends.
func (a *app) insist(t *news.Taxonomy) *parts {
	for {
		p, err := a.assemble(a.failed, t)
		if err == nil {
			return p
		}
		a.log.Error().Err(err).Msg("the changed taxonomy cannot be taken up yet")
		select {
		case <-time.After(time.Second):
		case <-a.failed.Done():
			return nil
		}
	}
}

// settle waits, within bounds, until the components have loaded what they need.
func (p *parts) settle(ctx context.Context) {
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	tick := time.NewTicker(10 * time.Millisecond)
	defer tick.Stop()
	for !p.ready(ctx) {
		select {
		case <-tick.C: // nothing tells of it
		case <-ctx.Done():
			return
		}
	}
}

func (p *parts) ready(ctx context.Context) bool {
	return (p.pub == nil || p.pub.Ready(ctx) == nil) && (p.feeds == nil || p.feeds.Ready(ctx) == nil) && (p.subs == nil || p.subs.Ready(ctx) == nil)
}
