package access

import "net/http"

// MaxBody is the largest body the API of keys takes, in bytes.
const MaxBody = 16 << 10

const path = "/api/v1/keys"

// Handler serves the API of keys, for callers with the scope [Admin]:
//
//	POST   /api/v1/keys         {"name", "scopes", "expires"}; 201 with the key, which is shown this once
//	GET    /api/v1/keys         {"keys": […]}, the admin key first, then the oldest
//	DELETE /api/v1/keys/{name}  204; the key does not work any more
//
// It needs [Keys.Open] with a Wire. It belongs behind [Keys.Require], and not behind [Keys.Once], which would
// store the answer with the key: here the name sees to it that a repeat makes
// no second key (409).
func (k *Keys) Handler() http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("POST "+path, k.serve(k.postKey))
	mux.HandleFunc("GET "+path, k.serve(k.getKeys))
	mux.HandleFunc("DELETE "+path+"/{name}", k.serve(k.deleteKey))
	return Routes(mux)
}

func (k *Keys) serve(h func(http.ResponseWriter, *http.Request) error) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		r.Body = http.MaxBytesReader(w, r.Body, MaxBody)
		w.Header().Set("Cache-Control", "no-store")
		_, err := Query(r)
		if err == nil {
			err = Need(r.Context(), Admin)
		}
		if err == nil {
			err = h(w, r)
		}
		if err != nil {
			k.refuse(w, r, err)
		}
	}
}

func (k *Keys) postKey(w http.ResponseWriter, r *http.Request) error {
	var wanted wish
	if err := Body(r, &wanted, `the body is not a wish for a key like {"name":"newsroom","scopes":["publish"],"expires":"90d"}`); err != nil {
		return err
	}
	key, text, err := k.add(r.Context(), wanted)
	if err != nil {
		return err
	}
	JSON(w, http.StatusCreated, "application/json", struct {
		Key
		Text string `json:"key"`
	}{key, text})
	return nil
}

func (k *Keys) getKeys(w http.ResponseWriter, r *http.Request) error {
	keys, err := k.list(r.Context())
	if err != nil {
		return err
	}
	JSON(w, http.StatusOK, "application/json", map[string]any{"keys": keys})
	return nil
}

func (k *Keys) deleteKey(w http.ResponseWriter, r *http.Request) error {
	if err := k.revoke(r.Context(), r.PathValue("name")); err != nil {
		return err
	}
	w.WriteHeader(http.StatusNoContent)
	return nil
}
