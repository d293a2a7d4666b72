package access

import (
	"cmp"
	"container/list"
	"math"
	"net/http"
	"net/netip"
	"strconv"
	"sync"
	"time"

	"dateline/publisher/news"

	"golang.org/x/time/rate"
)

// Rate is a token bucket: so many requests a second in the long run, and Burst
// at once after a rest.
type Rate struct {
	PerSecond float64
	Burst     int
}

// Rates says how many requests are served. What is zero stands for that of
// [DefaultRates].
type Rates struct {
	Key     Rate // for each key, by its name
	Address Rate // for each remote address without a good key; of IPv6 for each /64
	// Remembered is how many keys, and how many addresses, are counted at the
	// same time. Beyond it the one that was silent for longest is forgotten, and
	// starts afresh when it comes again.
	Remembered int
}

// DefaultRates lets a key make 50 requests a second and 200 at once, and an
// address without a good key 5 and 50.
func DefaultRates() Rates {
	return Rates{Key: Rate{50, 200}, Address: Rate{5, 50}, Remembered: 1 << 14}
}

func (r Rates) limits() (perKey, perAddress *limits) {
	usual := DefaultRates()
	most := cmp.Or(r.Remembered, usual.Remembered)
	return newLimits(cmp.Or(r.Key, usual.Key), most), newLimits(cmp.Or(r.Address, usual.Address), most)
}

// limits counts requests by a name: that of a key or an address.
type limits struct {
	rate Rate
	most int

	mu     sync.Mutex
	byName map[string]*list.Element
	recent *list.List // of *counted, the latest first
}

type counted struct {
	name   string
	bucket *rate.Limiter
}

func newLimits(r Rate, most int) *limits {
	return &limits{rate: r, most: max(most, 1), byName: map[string]*list.Element{}, recent: list.New()}
}

// take counts one request. When it is one too many, it says how long to wait.
func (l *limits) take(name string, now time.Time) (wait time.Duration, ok bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	b := l.of(name)
	if b.AllowN(now, 1) {
		return 0, true
	}
	return time.Duration((1 - b.TokensAt(now)) / l.rate.PerSecond * float64(time.Second)), false
}

func (l *limits) of(name string) *rate.Limiter {
	if e := l.byName[name]; e != nil {
		l.recent.MoveToFront(e)
		return e.Value.(*counted).bucket
	}
	if l.recent.Len() >= l.most {
		last := l.recent.Back()
		delete(l.byName, l.recent.Remove(last).(*counted).name)
	}
	c := &counted{name, rate.NewLimiter(rate.Limit(l.rate.PerSecond), l.rate.Burst)}
	l.byName[name] = l.recent.PushFront(c)
	return c.bucket
}

// remoteOf is the address of the connection's other end; the zero Addr when
// there is none, as on a socket of the file system.
func remoteOf(r *http.Request) netip.Addr {
	ap, err := netip.ParseAddrPort(r.RemoteAddr)
	if err != nil {
		return netip.Addr{}
	}
	return ap.Addr().Unmap()
}

// network is what one customer has: an address of IPv4, a /64 of IPv6.
func network(a netip.Addr) string {
	if a.Is6() {
		return netip.PrefixFrom(a, 64).Masked().String()
	}
	return a.String()
}

// tooMany answers 429 with the whole seconds after which one more request is served.
func tooMany(w http.ResponseWriter, wait time.Duration) {
	seconds := max(int(math.Ceil(wait.Seconds())), 1)
	w.Header().Set("Retry-After", strconv.Itoa(seconds))
	Refuse(w, news.Problemf(news.RateLimited, "too many requests; try again in %d s, and send fewer at once", seconds))
}
