package intake

import (
	"context"
	"errors"
	"time"

	"dateline/publisher"
	"dateline/publisher/news"
)

// Publisher takes releases; [publisher.Publisher] is one.
type Publisher interface {
	Publish(ctx context.Context, r news.Release, in publisher.Intent) (news.Event, publisher.Outcome, error)
}

// errAway is in the chain of every error that says that the log takes nothing
// now: the release itself is not to blame and is tried again.
var errAway = errors.New("the log takes nothing now")

// publish publishes once more when another process was first at the same
// moment: both bring the same, so the second time it is there already. In the
// trail of who did what the release stands under the name of its way in.
func publish(ctx context.Context, p Publisher, way string, r news.Release, in publisher.Intent) (news.Event, publisher.Outcome, error) {
	ctx = publisher.As(ctx, way)
	e, outcome, err := p.Publish(ctx, r, in)
	if news.CodeOf(err) == news.Conflict {
		e, outcome, err = p.Publish(ctx, r, in)
	}
	switch code := news.CodeOf(err); {
	case err == nil:
		return e, outcome, nil
	case ctx.Err() != nil, code == news.Unavailable, code == news.DiskFull:
		return e, "", errors.Join(errAway, err)
	}
	return e, "", err
}

// embargoed refuses a release whose own words keep it back. Anything that is
// brought in here is public at once.
func embargoed(words string) error {
	return news.Problemf(news.Unacceptable, "it is not to be published yet: it says %q, and what comes in here is public at once; bring it in through the API, or take these words out when its time has come", words)
}

// problems is what a person can mend about err, one sentence each; ok is false
// for an error that nobody can mend at the document.
func problems(err error) (list []string, ok bool) {
	p, ok := errors.AsType[*news.Problem](err)
	if !ok {
		return nil, false
	}
	if len(p.Items) > 0 {
		return p.Items, true
	}
	return []string{p.Detail}, true
}

// doubled is least after the first failure and twice as long after each further
// one, up to most.
func doubled(least, most time.Duration, failures int) time.Duration {
	d := least
	for range failures - 1 {
		if d >= most/2 {
			return max(most, least)
		}
		d *= 2
	}
	return d
}
