package subscribers

import (
	"sync"
	"time"
)

// trouble is what is known of a recipient whose newest try failed.
type trouble struct {
	Answer   string
	At, Next time.Time // Next is zero when the message was given up
}

// troubles are the recipients whose newest try failed, as far as this process
// made it.
type troubles struct {
	mu sync.Mutex
	of map[string]trouble
}

// set notes a failure and reports whether it is the first in a row.
func (t *troubles) set(id string, what trouble) (first bool) {
	t.mu.Lock()
	defer t.mu.Unlock()
	_, before := t.of[id]
	if t.of == nil {
		t.of = map[string]trouble{}
	}
	t.of[id] = what
	return !before
}

func (t *troubles) clear(id string) {
	t.mu.Lock()
	defer t.mu.Unlock()
	delete(t.of, id)
}

func (t *troubles) find(id string) (trouble, bool) {
	t.mu.Lock()
	defer t.mu.Unlock()
	what, ok := t.of[id]
	return what, ok
}

// trouble is what a recipient fails with. Of one that waits since before this
// process began, nothing more is known until its next try.
func (d *delivery) trouble(id string) trouble {
	if what, ok := d.troubles.find(id); ok {
		return what
	}
	if d.waiting.has(id) {
		return trouble{Answer: "waiting for a retry"}
	}
	return trouble{}
}
