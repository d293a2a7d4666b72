package subscribers

import (
	"context"
	"crypto/rand"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"

	"dateline/publisher/news"
	"dateline/subscribers/webhook"

	"github.com/nats-io/nats.go/jetstream"
)

// Outcome says what subscribing did.
type Outcome string

// The outcomes of a subscription.
const (
	Created   Outcome = "created"
	Unchanged Outcome = "unchanged" // it was there already
	Resumed   Outcome = "resumed"   // the recipient was disabled and is active again from now on
)

// Subscribe makes a subscription. The same recipient and selection again is the
// same subscription. The endpoint's secret is in the result only when the
// endpoint is new.
func (s *Subscribers) Subscribe(ctx context.Context, w Wish) (Subscription, Outcome, error) {
	w, identity, err := settle(s.cfg.Taxonomy, s.guard, w)
	if err != nil {
		return Subscription{}, "", err
	}
	after, err := s.cfg.Wire.LastSeq(ctx)
	if err != nil {
		return Subscription{}, "", err
	}
	var made Subscription
	var outcome Outcome
	err = s.change(ctx, nameRecipient(s.key, w.Channel, identity), func(r *recipient) error {
		made, outcome, err = s.add(r, w, after)
		return err
	})
	if err != nil {
		return Subscription{}, "", err
	}
	s.cfg.Log.Info().Str("subscription_id", made.ID).Str("channel", string(made.Channel)).Str("outcome", string(outcome)).Msg("subscribed")
	return made, outcome, nil
}

func (s *Subscribers) add(r *recipient, w Wish, after uint64) (Subscription, Outcome, error) {
	outcome, secret := Unchanged, ""
	if r.Disabled != "" {
		outcome, r.Disabled = Resumed, ""
		for i := range r.Wishes {
			r.Wishes[i].After = after
		}
	}
	if len(r.Wishes) == 0 {
		r.Channel, r.Address = w.Channel, w.Address
		if w.Channel == Webhook {
			secret = webhook.NewSecret()
			r.Secret = secret
		}
	}
	path := w.Selection.Path()
	i := slices.IndexFunc(r.Wishes, func(f follows) bool { return f.Selection.Path() == path })
	if i < 0 {
		if len(r.Wishes) >= maxWishes {
			return Subscription{}, "", news.Problemf(news.Unacceptable, "the recipient has %d subscriptions already, more do not fit; remove some, or follow a group", len(r.Wishes))
		}
		i, outcome = len(r.Wishes), Created
		r.Wishes = append(r.Wishes, follows{ID: strings.ToLower(rand.Text()), Selection: w.Selection, Created: s.cfg.Now().UTC(), After: after})
	}
	made := s.shown(r, &r.Wishes[i])
	made.Secret, made.SecretKept = secret, w.Channel == Webhook && secret == ""
	return made, outcome, nil
}

// Unsubscribe removes a subscription; what waits to be sent for it only is not sent.
func (s *Subscribers) Unsubscribe(ctx context.Context, id string) error {
	if err := s.current(ctx); err != nil {
		return err
	}
	owner := s.register.owner(id)
	if owner == nil {
		return noSuch(id)
	}
	err := s.change(ctx, owner.id, func(r *recipient) error {
		n := len(r.Wishes)
		r.Wishes = slices.DeleteFunc(r.Wishes, func(f follows) bool { return f.ID == id })
		if len(r.Wishes) == n {
			return noSuch(id)
		}
		return nil
	})
	if err == nil {
		s.cfg.Log.Info().Str("subscription_id", id).Msg("unsubscribed")
	}
	return err
}

func noSuch(id string) error {
	return news.Problemf(news.NotFound, "there is no subscription %q; dateline subscriptions lists them", news.CleanLine(id))
}

// disable stops a recipient for a reason that the API shows.
func (s *Subscribers) disable(ctx context.Context, id, reason string) error {
	return s.change(ctx, id, func(r *recipient) error {
		r.Disabled = reason
		return nil
	})
}

// change reads a recipient (an empty one when it is new), lets edit change it,
// and stores it, again from the start when someone else was quicker. A
// recipient without wishes is removed with its history.
func (s *Subscribers) change(ctx context.Context, id string, edit func(*recipient) error) error {
	for {
		r, revision, err := s.read(ctx, id)
		if err != nil {
			return err
		}
		if err := edit(r); err != nil {
			return err
		}
		switch {
		case len(r.Wishes) > 0:
			err = s.write(ctx, r, revision)
		case revision > 0:
			err = s.bucket.Purge(ctx, id, jetstream.LastRevision(revision))
		}
		if err == nil || !isConflict(err) {
			return unavailable(err)
		}
	}
}

func (s *Subscribers) read(ctx context.Context, id string) (*recipient, uint64, error) {
	e, err := s.bucket.Get(ctx, id)
	if errors.Is(err, jetstream.ErrKeyNotFound) {
		return &recipient{id: id}, 0, nil
	}
	if err != nil {
		return nil, 0, unavailable(err)
	}
	r, err := readRecipient(s.cfg.Taxonomy, id, e.Value())
	if err != nil {
		return nil, 0, fmt.Errorf("the record of recipient %s cannot be read: %w", id, err)
	}
	return r, e.Revision(), nil
}

func (s *Subscribers) write(ctx context.Context, r *recipient, revision uint64) error {
	b, err := json.Marshal(r)
	if err != nil {
		return fmt.Errorf("encode recipient %s: %w", r.id, err)
	}
	if revision == 0 {
		_, err = s.bucket.Create(ctx, r.id, b)
	} else {
		_, err = s.bucket.Update(ctx, r.id, b, revision)
	}
	return err
}

func isConflict(err error) bool {
	api, ok := errors.AsType[*jetstream.APIError](err)
	return errors.Is(err, jetstream.ErrKeyExists) || ok && (api.ErrorCode == jetstream.JSErrCodeStreamWrongLastSequence ||
		api.ErrorCode == jetstream.JSErrCodeStreamWrongLastSequenceConstant)
}

func unavailable(err error) error {
	if err == nil || news.CodeOf(err) != "" {
		return err
	}
	return fmt.Errorf("%w (%w)", news.Problemf(news.Unavailable, "the subscriptions do not answer; try again in a moment"), err)
}

// recipientKey reads the key of the recipients' ids, making it when it is not there.
func recipientKey(ctx context.Context, bucket jetstream.KeyValue) ([]byte, error) {
	const name = "recipients"
	fresh := make([]byte, 32)
	_, _ = rand.Read(fresh) // never fails: crypto/rand ends the process instead
	if _, err := bucket.Create(ctx, name, fresh); err == nil {
		return fresh, nil
	} else if !errors.Is(err, jetstream.ErrKeyExists) {
		return nil, unavailable(err)
	}
	e, err := bucket.Get(ctx, name)
	if err != nil {
		return nil, unavailable(err)
	}
	return e.Value(), nil
}
