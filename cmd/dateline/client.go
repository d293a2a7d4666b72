package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"

	"dateline/publisher/access"

	"github.com/spf13/cobra"
)

// client speaks to the API of a server.
type client struct {
	base string
	key  string
	http *http.Client
}

// clientFlags adds what every client command needs to find its server.
func clientFlags(cmd *cobra.Command) {
	cmd.Flags().String("server", "", "`URL` of the server (default: the one that uses the data folder)")
	cmd.Flags().String("key", "", "the `KEY` (default: the one in the data folder)")
	cmd.Flags().String("data", defaultData, "data `FOLDER` of a server on this machine")
}

var errNoKey = errors.New("no key")

// client finds the server and the key: the settings, else the data folder.
func (p *program) client(cmd *cobra.Command) (*client, error) {
	get := func(name string) string { v, _ := cmd.Flags().GetString(name); return v }
	server, key, data := strings.TrimRight(get("server"), "/"), get("key"), get("data")
	if server == "" {
		addr, err := findAddress(data)
		if err != nil {
			return nil, err
		}
		server = addr.URL
	}
	if !isBaseURL(server) {
		return nil, usagef("--server %q is not an http or https address", server)
	}
	if key == "" && cmd.Flags().Changed("key") {
		return nil, usagef("--key is empty; leave it out to use the key in the data folder")
	}
	if key == "" {
		var err error
		if key, err = access.Read(data); err != nil {
			return nil, fmt.Errorf("%w for %s: the data folder %s holds none; give one with --key or DATELINE_KEY", errNoKey, server, data)
		}
	}
	return &client{base: server, key: key, http: &http.Client{Timeout: time.Minute}}, nil
}

// apiError is a refusal of the API, told as the server said it.
type apiError struct {
	Status int      `json:"status"`
	Title  string   `json:"title"`
	Detail string   `json:"detail"`
	Errors []string `json:"errors"`
}

func (e *apiError) Error() string {
	text := e.Title
	if e.Detail != "" {
		text += ": " + e.Detail
	}
	for _, item := range e.Errors {
		text += "\n  - " + item
	}
	return text
}

// get asks the server that the command is for, and decodes its answer into out.
func (p *program) get(cmd *cobra.Command, path string, out any) error {
	c, err := p.client(cmd)
	if err != nil {
		return err
	}
	_, err = c.call(cmd.Context(), http.MethodGet, path, nil, nil, out)
	return err
}

// call sends one request and decodes the JSON answer into out, which may be nil.
func (c *client) call(ctx context.Context, method, path string, header http.Header, body []byte, out any) (http.Header, error) {
	res, err := c.send(ctx, method, path, header, body)
	if err != nil {
		return nil, err
	}
	defer res.Body.Close()
	b, err := io.ReadAll(io.LimitReader(res.Body, 64<<20))
	if err != nil {
		return nil, fmt.Errorf("the answer of %s broke off: %w", c.base, err)
	}
	if out == nil || len(b) == 0 {
		return res.Header, nil
	}
	if err := json.Unmarshal(b, out); err != nil {
		return nil, fmt.Errorf("the answer of %s is not what a dateline server says: %w", c.base, err)
	}
	return res.Header, nil
}

// send sends one request, again after the time a server asks for that gets too
// many (429). What is no success comes back as an error; the body of a success
// is the caller's to read and close.
func (c *client) send(ctx context.Context, method, path string, header http.Header, body []byte) (*http.Response, error) {
	for {
		res, err := c.sendOnce(ctx, method, path, header, body)
		if err != nil || res.StatusCode < 300 {
			return res, err
		}
		b, err := io.ReadAll(io.LimitReader(res.Body, 1<<20))
		res.Body.Close()
		if err != nil {
			return nil, fmt.Errorf("the answer of %s broke off: %w", c.base, err)
		}
		seconds, err := strconv.Atoi(res.Header.Get("Retry-After"))
		if res.StatusCode != http.StatusTooManyRequests || err != nil || seconds > maxRetryAfter {
			return nil, refusal(c.base, res, b)
		}
		select {
		case <-time.After(time.Duration(seconds) * time.Second):
		case <-ctx.Done():
			return nil, ctx.Err()
		}
	}
}

// maxRetryAfter is how many seconds a command waits for its turn at most.
const maxRetryAfter = 60

func (c *client) sendOnce(ctx context.Context, method, path string, header http.Header, body []byte) (*http.Response, error) {
	req, err := http.NewRequestWithContext(ctx, method, c.base+path, bytes.NewReader(body))
	if err != nil {
		return nil, err
	}
	for k, v := range header {
		req.Header[k] = v
	}
	req.Header.Set("Authorization", "Bearer "+c.key)
	req.Header.Set("User-Agent", "dateline/"+version())
	res, err := c.http.Do(req)
	if err != nil {
		return nil, unreachable(c.base, err)
	}
	return res, nil
}

// bareURLError drops the method and the address, which the caller names better.
func bareURLError(err error) error {
	var u *url.Error
	if errors.As(err, &u) {
		return u.Err
	}
	return err
}

func unreachable(base string, err error) error {
	err = bareURLError(err)
	if errors.Is(err, context.Canceled) {
		return err
	}
	return fmt.Errorf("cannot reach the server at %s: %w; start it with 'dateline serve', or name another with --server", base, err)
}

func refusal(base string, res *http.Response, body []byte) error {
	e := &apiError{Status: res.StatusCode}
	if !strings.HasPrefix(res.Header.Get("Content-Type"), "application/problem+json") || json.Unmarshal(body, e) != nil {
		return fmt.Errorf("the server at %s answered %s; is it a dateline server?", base, res.Status)
	}
	e.Status = res.StatusCode
	return e
}

// event is what the commands read out of a CloudEvent.
type event struct {
	ID       string `json:"id"`
	Type     string `json:"type"`
	Subject  string `json:"subject"` // the release's id
	Time     string `json:"time"`
	Revision int    `json:"datelinerevision"`
	Status   string `json:"datelinestatus"`
	Data     struct {
		Title      string `json:"title"`
		Language   string `json:"language"`
		Renditions []struct {
			Href string `json:"href"`
		} `json:"renditions"`
		Subjects []named `json:"subjects"`
		Places   []named `json:"places"`
	} `json:"data"`
}

type named struct {
	Name string `json:"name"`
	URI  string `json:"uri"`
	Rel  string `json:"rel"`
}

// kind is "published" in dateline.release.published.v1.
func (e *event) kind() string {
	return strings.TrimSuffix(strings.TrimPrefix(e.Type, "dateline.release."), ".v1")
}

// page is where people read the release.
func (e *event) page() string {
	if len(e.Data.Renditions) == 0 {
		return ""
	}
	return e.Data.Renditions[0].Href
}

// topics are the names of the fields and countries the release is filed under.
func (e *event) topics() string {
	var names []string
	seen := map[string]bool{}
	for _, n := range append(e.Data.Subjects, e.Data.Places...) {
		if strings.Contains(n.URI, "/feeds/") && !seen[n.Name] {
			seen[n.Name] = true
			names = append(names, n.Name)
		}
	}
	return strings.Join(names, ", ")
}
