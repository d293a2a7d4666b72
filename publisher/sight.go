package publisher

import (
	"context"

	"dateline/publisher/access"
	"dateline/publisher/news"
)

// guarded: what is under embargo, or was and has not been opened since.
func guarded(w *news.Pending) bool { return w.State == news.Embargoed || w.Sealed || w.Stalled != "" }

// notWithThisKey is what a caller is told who may not see what waits for a
// release and would change it: not what it is, nor until when.
func notWithThisKey(w *news.Pending) error {
	return news.Problemf(news.Conflict, "release %s cannot be changed with this key at the moment; ask somebody whose key has the scope %s", w.Release.ID, access.ReadEmbargoed)
}

// saysEmbargo refuses to publish a document against its own word.
func saysEmbargo(notice string) error {
	return news.Problemf(news.Unacceptable, "the document says of itself that it is under embargo: %q; give the time of the embargo, or embargo=none (--embargo none) to publish it now", notice)
}

// maySee: drafts are for those who write them, what is guarded only for those
// with that right.
func maySee(ctx context.Context, w *news.Pending) bool {
	caller := access.From(ctx)
	if guarded(w) {
		return caller.May(access.ReadEmbargoed)
	}
	return caller.May(access.Draft)
}

// mayHandle judges the very version that is about to be changed: it may have come
// under embargo since the caller was let in.
func mayHandle(ctx context.Context, w *news.Pending) bool {
	caller := access.From(ctx)
	return len(caller.Scopes) == 0 || !guarded(w) || caller.May(access.ReadEmbargoed) && caller.May(access.Publish)
}

func nothingThere(id string) error {
	return news.Problemf(news.NotFound, "nothing waits at the desk for release %s; dateline desk lists what does", id)
}

// nothingWaits refuses a public change past what waits at the desk.
func (p *Publisher) nothingWaits(ctx context.Context, id string, kind news.Kind) error {
	w, err := p.waiting(ctx, id)
	if err != nil {
		return err
	}
	if w.pending() != nil && !maySee(ctx, w.pending()) {
		return notWithThisKey(w.pending())
	}
	return news.MayChange(w.pending(), kind)
}

func matches(w *news.Pending, match string) error {
	switch match {
	case "*", w.ETag():
		return nil
	case "":
		return news.Problemf(news.NeedsMatch, "something waits at the desk for release %s already; edit that (dateline desk edit, dateline desk embargo), or send If-Match with its ETag, or *", w.Release.ID)
	}
	return news.Problemf(news.Stale, "what waits for release %s was changed since you read it; read it again and repeat the change", w.Release.ID)
}
