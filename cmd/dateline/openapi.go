package main

import (
	"bytes"
	"crypto/sha256"
	_ "embed" // the API's description
	"encoding/hex"
	"encoding/json"
	"fmt"
	"net/http"
	"sync"
	"time"

	"dateline/publisher/access"

	"github.com/goccy/go-yaml"
)

// openAPISource describes the API. It is written in YAML for those who keep it,
// and served as JSON, which every tool reads.
//
//go:embed openapi.yaml
var openAPISource []byte

// openAPIPath is where the API is described, for everybody.
const openAPIPath = "/api/v1/openapi.json"

// placeholderURL stands in the description where the server's own address belongs.
const placeholderURL = "https://news.example.org"

// openAPI is the description of the API as JSON, for a server at base.
func openAPI(base string) ([]byte, error) {
	b, err := yaml.YAMLToJSON(openAPISource)
	if err != nil {
		return nil, fmt.Errorf("read the description of the API: %w", err)
	}
	quoted, err := json.Marshal(base)
	if err != nil {
		return nil, fmt.Errorf("write the description of the API: %w", err)
	}
	b = bytes.Replace(b, []byte(`"url": "`+placeholderURL+`"`), append([]byte(`"url": `), quoted...), 1)
	var out bytes.Buffer
	if err := json.Indent(&out, b, "", "  "); err != nil {
		return nil, fmt.Errorf("write the description of the API: %w", err)
	}
	return out.Bytes(), nil
}

// openAPIHandler serves the description. It is the same until the server is
// started with another version or base URL.
func openAPIHandler(base string) http.Handler {
	made := sync.OnceValues(func() ([]byte, error) { return openAPI(base) })
	mux := http.NewServeMux()
	mux.HandleFunc("GET "+openAPIPath, func(w http.ResponseWriter, r *http.Request) {
		b, err := made()
		if err != nil {
			access.Refuse(w, err)
			return
		}
		sum := sha256.Sum256(b)
		h := w.Header()
		h.Set("Content-Type", "application/json")
		h.Set("ETag", `"`+hex.EncodeToString(sum[:8])+`"`)
		h.Set("Cache-Control", "public, max-age=300")
		h.Set("Access-Control-Allow-Origin", "*")
		http.ServeContent(w, r, "", time.Time{}, bytes.NewReader(b))
	})
	return access.Routes(mux)
}
