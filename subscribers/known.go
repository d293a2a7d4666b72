package subscribers

import (
	"context"
	"time"

	"dateline/publisher/news"
)

// newWords is how long an event that names topics we do not know waits for us to
// learn them: another process, or a newer part of this one, works with a changed
// taxonomy already, and by ours nobody would follow those topics.
const newWords = time.Minute

// strange reports whether a release is filed under a topic that is not in our
// taxonomy, and that was said so lately that we may learn of it yet.
func (s *Subscribers) strange(r *news.Release) bool {
	return s.cfg.Now().Sub(r.UpdatedAt) < newWords && news.UnknownTopic(s.cfg.Taxonomy, r)
}

// known returns when the topics of an event are known, or ctx ends; after a
// minute they are taken as they are.
func (s *Subscribers) known(ctx context.Context, e *news.Event) error {
	for s.strange(&e.Release) {
		if !pause(ctx) {
			return ctx.Err()
		}
	}
	return nil
}
