package subscribers

import "sync"

// pool runs work for many recipients, a bounded number of pieces at a time,
// those of one recipient one after the other, and recipients in turn. A
// recipient with urgent work goes first.
type pool struct {
	size, depth int

	mu      sync.Mutex
	rows    map[string]*row
	ready   [2][]*row // urgent, others: rows with work that nobody runs
	running int
	closed  bool
	wg      sync.WaitGroup
}

// row is the work of one recipient.
type row struct {
	key  string
	work []func()
}

// newPool makes a pool of size workers in which a recipient may have depth
// pieces waiting.
func newPool(size, depth int) *pool {
	return &pool{size: size, depth: depth, rows: map[string]*row{}}
}

// add takes a piece of work, or answers false when the recipient has enough of
// it waiting. must takes it all the same.
func (p *pool) add(key string, urgent, must bool, fn func()) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.closed {
		return true // what was not begun comes again with the next start
	}
	r, ok := p.rows[key]
	if ok {
		if len(r.work) >= p.depth && !must {
			return false
		}
		r.work = append(r.work, fn)
		return true
	}
	r = &row{key: key, work: []func(){fn}}
	p.rows[key] = r
	p.queue(r, urgent)
	if p.running < p.size {
		p.running++
		p.wg.Go(p.run)
	}
	return true
}

func (p *pool) queue(r *row, urgent bool) {
	i := 1
	if urgent {
		i = 0
	}
	p.ready[i] = append(p.ready[i], r)
}

func (p *pool) run() {
	p.mu.Lock()
	defer p.mu.Unlock()
	defer func() { p.running-- }()
	for !p.closed {
		r := p.next()
		if r == nil {
			return
		}
		fn := r.work[0]
		r.work = r.work[1:]
		p.mu.Unlock()
		fn()
		p.mu.Lock()
		if len(r.work) == 0 {
			delete(p.rows, r.key)
		} else {
			p.queue(r, false)
		}
	}
}

func (p *pool) next() *row {
	for i := range p.ready {
		if q := p.ready[i]; len(q) > 0 {
			p.ready[i] = q[1:]
			return q[0]
		}
	}
	return nil
}

// close drops what has not begun and waits for what has.
func (p *pool) close() {
	p.mu.Lock()
	p.closed = true
	p.mu.Unlock()
	p.wg.Wait()
}
