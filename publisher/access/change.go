package access

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"time"

	"dateline/publisher/news"
	"dateline/publisher/wire"

	"github.com/nats-io/nats.go/jetstream"
)

// add makes a key and returns it with its text, which is nowhere else.
func (k *Keys) add(ctx context.Context, w wish) (Key, string, error) {
	key, err := w.key(k.now(), From(ctx).Name)
	if err != nil {
		return Key{}, "", err
	}
	if k.ring.has(key.Name) {
		return Key{}, "", nameTaken(key.Name)
	}
	if err := k.audit(ctx, "key.add", key.described()); err != nil {
		return Key{}, "", err
	}
	text := newKey()
	sum := sha256.Sum256([]byte(text))
	b, err := json.Marshal(record{key, hex.EncodeToString(sum[:])})
	if err != nil {
		return Key{}, "", err
	}
	revision, err := k.ring.bucket.Create(ctx, key.Name, b)
	if isConflict(err) {
		return Key{}, "", nameTaken(key.Name)
	}
	if err != nil {
		return Key{}, "", wire.Explain("store the key", err)
	}
	k.ring.take(key.Name, b, revision)
	k.cfg.Log.Info().Str("key_name", key.Name).Str("by", key.CreatedBy).Msg("key added")
	return key, text, nil
}

// described is the key in a line, for the trail: its name, what it may, and how long.
func (k *Key) described() string {
	may := "reads what is public"
	if len(k.Scopes) > 0 {
		may = join(k.Scopes)
	}
	if k.Expires.IsZero() {
		return k.Name + ": " + may + ", until it is revoked"
	}
	return k.Name + ": " + may + ", until " + k.Expires.UTC().Format(time.RFC3339)
}

func nameTaken(name string) error {
	return news.Problemf(news.Conflict, "there is or was a key %s, and names are not used again; choose another", name)
}

// tries is how often a change that others came before is begun anew.
const tries = 10

// revoke ends a key: when it returns, the key does not work on this process. A
// key that is revoked already stays as it is.
func (k *Keys) revoke(ctx context.Context, name string) error {
	if name == AdminName {
		return news.Problemf(news.Conflict, "the admin key cannot be revoked; remove %s from the data folder, or give another with --key, and start again", KeyFile)
	}
	if checkName(name) != "" {
		return noSuchKey(name)
	}
	audited := false
	for range tries {
		e, err := k.ring.bucket.Get(ctx, name)
		if errors.Is(err, jetstream.ErrKeyNotFound) {
			return noSuchKey(name)
		}
		if err != nil {
			return wire.Explain("read the key", err)
		}
		rec, _, err := readRecord(name, e.Value())
		if err != nil {
			return err
		}
		if !rec.Revoked.IsZero() {
			k.ring.take(name, e.Value(), e.Revision())
			return nil
		}
		if !audited {
			if err := k.audit(ctx, "key.revoke", name); err != nil {
				return err
			}
			audited = true
		}
		rec.Revoked, rec.RevokedBy = k.now().UTC().Truncate(time.Second), From(ctx).Name
		if err = k.replace(ctx, rec, e.Revision()); !isConflict(err) {
			return err
		}
	}
	return news.Problemf(news.Unavailable, "the key %s is being changed by others; try again", name)
}

func (k *Keys) replace(ctx context.Context, rec record, revision uint64) error {
	b, err := json.Marshal(rec)
	if err != nil {
		return err
	}
	if revision, err = k.ring.bucket.Update(ctx, rec.Name, b, revision); err != nil {
		return wire.Explain("store the key", err)
	}
	k.ring.take(rec.Name, b, revision)
	k.cfg.Log.Info().Str("key_name", rec.Name).Str("by", rec.RevokedBy).Msg("key revoked")
	return nil
}

func noSuchKey(name string) error {
	return news.Problemf(news.NotFound, "there is no key %q; dateline key list shows them", news.CleanLine(name))
}

func (k *Keys) audit(ctx context.Context, what, name string) error {
	if k.cfg.Audit == nil {
		return nil
	}
	return k.cfg.Audit(ctx, what, name)
}

// listed is a key as the API shows it.
type listed struct {
	Key
	State    State     `json:"state"`
	LastUsed time.Time `json:"last_used,omitzero"` // to the minute
}

// list shows the admin key and then all others, the oldest first.
func (k *Keys) list(ctx context.Context) ([]listed, error) {
	keys, err := k.ring.all()
	if err != nil {
		return nil, err
	}
	uses, err := k.used.all(ctx)
	if err != nil {
		return nil, err
	}
	now := k.now()
	var out []listed
	for _, key := range append([]Key{{Name: AdminName, Scopes: []Scope{Admin}}}, keys...) {
		out = append(out, listed{key, key.State(now), uses[key.Name].UTC().Truncate(time.Second)})
	}
	return out, nil
}
