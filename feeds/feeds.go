package feeds

import (
	"context"
	"crypto/sha256"
	"encoding/json"
	"errors"
	"fmt"
	"net/url"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"dateline/feeds/index"
	"dateline/feeds/render"
	"dateline/feeds/site"
	"dateline/publisher/news"
	"dateline/publisher/page"
	"dateline/publisher/wire"

	"github.com/rs/zerolog"
	"golang.org/x/sync/singleflight"
)

// Config is what feeds work with.
type Config struct {
	Wire     *wire.Wire
	Taxonomy *news.Taxonomy
	// BaseURL is where readers find us, without a slash at the end. It may have
	// a path; whoever mounts the handler strips it.
	BaseURL string
	// Title is the publisher's name; "Dateline" when empty.
	Title string
	Now   func() time.Time // time.Now when nil; decides only whether a second is over
	Log   zerolog.Logger
	// Hub is the address of the WebSub hub that feeds name; empty for none.
	Hub string
	// Window is the most entries a document holds; 0 means 50.
	Window int
	// WindowBytes ends a document with the entry whose text reaches this sum; 0
	// means 200,000.
	WindowBytes int
}

// Bounds of what is kept in memory, beside the index itself.
const (
	keptFragments = 160 << 20 // bytes of rendered releases: about 8,000, the windows of all single topics
	keptDocuments = 64 << 20  // bytes of whole documents and pages, fragments counted again
	keptItems     = 16 << 20  // bytes of entries of lists in further languages
	keptGroups    = 48 << 20  // bytes of items compressed together
	keptPlans     = 4096      // selections asked for
)

// Feeds is the worker and what it serves. All methods are safe for concurrent use.
type Feeds struct {
	cfg      Config
	limits   index.Limits
	index    *index.Index
	renderer *render.Renderer
	look     *page.Look // in the first language, as site is
	site     *site.Site
	sites    map[string]*site.Site // by language
	looks    map[string]*page.Look
	feedSeed []byte // what all feeds depend on beside the log
	pageSeed []byte // the same for pages

	plans     *cache[string, *plan]
	fragments *cache[fragmentKey, *fragment]
	documents *cache[string, *document]
	items     *cache[itemKey, []byte]
	together  *cache[string, *block] // groups of items
	bases     *cache[string, base]   // states of feeds that were sent, by tag
	making    singleflight.Group
	press     sync.Pool // of *compressor
	brotlis   sync.Pool // of *brotli.Writer
	buffers   sync.Pool // of *[]byte

	follow follow
	shown  shown
	served counters
}

type counters struct{ full, notModified, missing, failed, rendered atomic.Uint64 }

// New makes feeds without content; [Feeds.Run] fills them.
func New(cfg Config) (*Feeds, error) {
	if cfg.Title == "" {
		cfg.Title = "Dateline"
	}
	if cfg.Now == nil {
		cfg.Now = time.Now
	}
	if cfg.Window <= 0 {
		cfg.Window = 50
	}
	if cfg.WindowBytes <= 0 {
		cfg.WindowBytes = 200_000
	}
	u, err := url.Parse(cfg.BaseURL)
	if err != nil || u.Host == "" || strings.HasSuffix(cfg.BaseURL, "/") || u.RawQuery != "" || u.Fragment != "" {
		return nil, fmt.Errorf("the base URL %q is not an absolute address without a slash at the end; give one like https://news.example.org", cfg.BaseURL)
	}
	f := &Feeds{
		cfg: cfg, limits: index.Limits{Count: cfg.Window, Bytes: cfg.WindowBytes},
		index: index.New(cfg.Taxonomy), renderer: render.New(cfg.Taxonomy, cfg.BaseURL, cfg.Title),
		plans: newCache[string, *plan](keptPlans), fragments: newCache[fragmentKey, *fragment](keptFragments),
		documents: newCache[string, *document](keptDocuments), items: newCache[itemKey, []byte](keptItems),
		together: newCache[string, *block](keptGroups), bases: newCache[string, base](keptBases),
		sites: map[string]*site.Site{}, looks: map[string]*page.Look{},
	}
	f.cfg.Log = cfg.Log.With().Str("component", "feeds").Logger()
	f.follow.moved = make(chan struct{})
	for _, l := range page.Languages() {
		if f.looks[l], err = page.New(page.Config{BaseURL: cfg.BaseURL, Name: cfg.Title, Language: l}); err != nil {
			return nil, err
		}
		if f.sites[l], err = site.New(f.looks[l], cfg.Taxonomy); err != nil {
			return nil, err
		}
	}
	f.look, f.site = f.looks[page.Languages()[0]], f.sites[page.Languages()[0]]
	f.feedSeed, f.pageSeed, err = f.seeds()
	return f, err
}

// seeds are hashes of what documents depend on beside the log: the versions of
// what renders them, where they are served, and the names of topics.
func (f *Feeds) seeds() (feed, pages []byte, err error) {
	h := sha256.New()
	e := json.NewEncoder(h)
	for _, k := range news.TopicKinds {
		if err := errors.Join(e.Encode(f.cfg.Taxonomy.Topics(k)), e.Encode(f.cfg.Taxonomy.Groups(k))); err != nil {
			return nil, nil, fmt.Errorf("hash the taxonomy: %w", err)
		}
	}
	if err := e.Encode([]any{render.Version, packing(), f.cfg.BaseURL, f.cfg.Title, f.cfg.Hub}); err != nil {
		return nil, nil, err
	}
	feed = h.Sum(nil)
	err = e.Encode(site.Version)
	for _, l := range page.Languages() {
		err = errors.Join(err, e.Encode(f.looks[l].Version()))
	}
	return feed, h.Sum(nil), err
}

// Stats is a snapshot for metrics and health.
type Stats struct {
	Applied       uint64 // sequence of the last event that is visible
	Releases      int
	Withdrawn     int // of Releases
	Documents     int // whole documents and pages kept
	DocumentBytes int
	Fragments     int // rendered releases kept
	FragmentBytes int
	GroupBytes    int    // of items compressed together
	BaseBytes     int    // of states remembered for deltas
	Selections    int    // selections kept
	Rendered      uint64 // releases rendered since the start
	Served        uint64 // answers with a body
	NotModified   uint64 // answers 304
	Missing       uint64 // answers 4xx
	Failed        uint64 // answers 5xx
}

// Stats returns a snapshot.
func (f *Feeds) Stats() Stats {
	s := Stats{
		Applied: f.Applied(), Rendered: f.served.rendered.Load(), Served: f.served.full.Load(),
		NotModified: f.served.notModified.Load(), Missing: f.served.missing.Load(), Failed: f.served.failed.Load(),
	}
	s.Releases, s.Withdrawn = f.index.Len()
	s.Documents, s.DocumentBytes = f.documents.kept()
	s.Fragments, s.FragmentBytes = f.fragments.kept()
	_, s.GroupBytes = f.together.kept()
	_, s.BaseBytes = f.bases.kept()
	s.Selections, _ = f.plans.kept()
	return s
}

// Applied is the sequence of the last event that is visible in all its feeds.
func (f *Feeds) Applied() uint64 { return f.index.Applied() }

// Await returns once the event with the sequence seq is visible, or ctx ends.
func (f *Feeds) Await(ctx context.Context, seq uint64) error {
	for {
		moved := f.follow.next()
		if f.Applied() >= seq {
			return nil
		}
		select {
		case <-moved:
		case <-ctx.Done():
			return fmt.Errorf("wait for event %d in the feeds, which stand at %d: %w", seq, f.Applied(), ctx.Err())
		}
	}
}
