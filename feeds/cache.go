package feeds

import (
	"container/list"
	"sync"
)

// cache keeps what was used last, up to a limit of summed sizes.
type cache[K comparable, V any] struct {
	limit int

	mu    sync.Mutex
	size  int
	order *list.List // of *cached, the one used last in front
	byKey map[K]*list.Element
}

type cached[K comparable, V any] struct {
	key   K
	value V
	size  int
}

func newCache[K comparable, V any](limit int) *cache[K, V] {
	return &cache[K, V]{limit: limit, order: list.New(), byKey: map[K]*list.Element{}}
}

func (c *cache[K, V]) get(key K) (V, bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	e, ok := c.byKey[key]
	if !ok {
		var none V
		return none, false
	}
	c.order.MoveToFront(e)
	return e.Value.(*cached[K, V]).value, true
}

// put keeps a value under a key, in place of an earlier one, and lets go of the
// longest unused beyond the limit.
func (c *cache[K, V]) put(key K, value V, size int) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.remove(key)
	c.byKey[key] = c.order.PushFront(&cached[K, V]{key, value, size})
	c.size += size
	for c.size > c.limit && c.order.Len() > 1 {
		c.remove(c.order.Back().Value.(*cached[K, V]).key)
	}
}

func (c *cache[K, V]) drop(key K) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.remove(key)
}

func (c *cache[K, V]) remove(key K) {
	if e, ok := c.byKey[key]; ok {
		c.size -= e.Value.(*cached[K, V]).size
		c.order.Remove(e)
		delete(c.byKey, key)
	}
}

func (c *cache[K, V]) clear() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.size = 0
	c.order.Init()
	clear(c.byKey)
}

// kept is the number of values and their summed size.
func (c *cache[K, V]) kept() (n, size int) {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.order.Len(), c.size
}
