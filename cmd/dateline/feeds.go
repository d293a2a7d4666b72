package main

import (
	"context"
	"encoding/xml"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"slices"
	"strings"

	"dateline/feeds/check"

	"github.com/spf13/cobra"
)

// feedFormats are the formats of every feed.
var feedFormats = []string{"rss", "atom", "json"}

// maxFeed is where a feed is too large for small readers, in bytes.
const maxFeed = 512 << 10

func (p *program) feedsCommand() *cobra.Command {
	cmd := &cobra.Command{
		Use:   "feeds",
		Short: "List, print and check feeds",
		Long: `List, print and check the feeds of a server, as a feed reader sees them. No key is
needed.`,
		Example: `  dateline feeds ls
  dateline feeds get field/policing/country/austria.atom
  dateline feeds check --server https://news.example.org`,
		Args: noCommand,
		RunE: func(cmd *cobra.Command, _ []string) error { return cmd.Help() },
	}
	cmd.AddCommand(p.feedsListCommand(), p.feedsGetCommand(), p.feedsCheckCommand())
	return cmd
}

// reading finds the server to read from; a key is not needed for that.
func (p *program) reading(cmd *cobra.Command) (*client, error) {
	c, err := p.client(cmd)
	if server, _ := cmd.Flags().GetString("server"); errors.Is(err, errNoKey) && server != "" {
		return &client{base: strings.TrimRight(server, "/"), http: &http.Client{}}, nil
	}
	return c, err
}

// listedFeed is a feed in the server's list.
type listedFeed struct {
	Title string `json:"title"`
	Path  string `json:"path"` // without extension
}

// listFeeds reads the list of all feeds that the server gives to feed readers.
func (c *client) listFeeds(ctx context.Context) ([]listedFeed, error) {
	doc, err := c.read(ctx, "/opml")
	if err != nil {
		return nil, err
	}
	type outline struct {
		Title    string    `xml:"title,attr"`
		Text     string    `xml:"text,attr"`
		XMLURL   string    `xml:"xmlUrl,attr"`
		Outlines []outline `xml:"outline"`
	}
	var list struct {
		Body []outline `xml:"body>outline"`
	}
	if err := xml.Unmarshal(doc.body, &list); err != nil {
		return nil, fmt.Errorf("the server's list of feeds cannot be read: %w", err)
	}
	var out []listedFeed
	var walk func([]outline)
	walk = func(all []outline) {
		for _, o := range all {
			if at := strings.Index(o.XMLURL, "/feeds/"); at >= 0 {
				path := o.XMLURL[at:]
				if dot := strings.LastIndexByte(path, '.'); dot >= 0 {
					path = path[:dot]
				}
				title := o.Text
				if title == "" {
					title = o.Title
				}
				if !slices.ContainsFunc(out, func(f listedFeed) bool { return f.Path == path }) {
					out = append(out, listedFeed{title, path})
				}
			}
			walk(o.Outlines)
		}
	}
	walk(list.Body)
	return out, nil
}

// fetched is a document as a feed reader gets it.
type fetched struct {
	body   []byte
	status int
	etag   string
}

// read gets a document as a feed reader does.
func (c *client) read(ctx context.Context, path string, header ...string) (fetched, error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, c.base+path, nil)
	if err != nil {
		return fetched{}, err
	}
	for i := 0; i+1 < len(header); i += 2 {
		req.Header.Set(header[i], header[i+1])
	}
	req.Header.Set("User-Agent", "dateline/"+version())
	res, err := c.http.Do(req)
	if err != nil {
		return fetched{}, unreachable(c.base, err)
	}
	defer res.Body.Close()
	b, err := io.ReadAll(io.LimitReader(res.Body, 64<<20))
	if err != nil {
		return fetched{}, fmt.Errorf("the answer of %s broke off: %w", c.base, err)
	}
	if res.StatusCode >= 400 {
		return fetched{}, fmt.Errorf("%s: %w", path, refusal(c.base, res, b))
	}
	return fetched{b, res.StatusCode, res.Header.Get("ETag")}, nil
}

func (p *program) feedsListCommand() *cobra.Command {
	var asJSON bool
	cmd := &cobra.Command{
		Use:     "ls",
		Short:   "List the feed of every topic",
		Example: "  dateline feeds ls\n  dateline feeds ls --json",
		Args:    exactly(),
		RunE: func(cmd *cobra.Command, _ []string) error {
			c, err := p.reading(cmd)
			if err != nil {
				return err
			}
			list, err := c.listFeeds(cmd.Context())
			if err != nil {
				return err
			}
			if asJSON {
				return printJSON(p.io.out, list)
			}
			rows := make([][]string, len(list))
			for i, f := range list {
				rows[i] = []string{f.Path, f.Title}
			}
			printTable(p.io.out, []string{"feed (.rss, .atom, .json)", "title"}, rows)
			return nil
		},
	}
	jsonFlag(cmd, &asJSON)
	clientFlags(cmd)
	return cmd
}

func (p *program) feedsGetCommand() *cobra.Command {
	cmd := &cobra.Command{
		Use:   "get FEED",
		Short: "Print a feed",
		Example: `  dateline feeds get all.rss
  dateline feeds get field/policing/country/austria.atom`,
		Args: exactly("FEED"),
		RunE: func(cmd *cobra.Command, args []string) error {
			c, err := p.reading(cmd)
			if err != nil {
				return err
			}
			doc, err := c.read(cmd.Context(), feedPath(args[0]))
			if err != nil {
				return err
			}
			_, err = p.io.out.Write(doc.body)
			return err
		},
	}
	clientFlags(cmd)
	return cmd
}

// feedPath is the path of a feed that is named by it, or by what stands behind /feeds/.
func feedPath(name string) string {
	name = strings.TrimPrefix(name, "/")
	if !strings.HasPrefix(name, "feeds/") {
		name = "feeds/" + name
	}
	return "/" + name
}

// objection is something that is wrong with a document.
type objection struct {
	Document string `json:"document"`
	Problem  string `json:"problem"`
}

func (p *program) feedsCheckCommand() *cobra.Command {
	var asJSON bool
	cmd := &cobra.Command{
		Use:   "check [FEED...]",
		Short: "Check feeds in every format, with their archives",
		Long: `Check every feed, or those named (without extension), in every format: is it
well-formed, has it all that its specification demands, are ids unique and the same
in each format, links absolute, validators right, and does the walk through its
archives find every release once.`,
		Example: `  dateline feeds check
  dateline feeds check field/policing country/austria
  dateline feeds check --server https://news.example.org --json`,
		RunE: func(cmd *cobra.Command, args []string) error {
			c, err := p.reading(cmd)
			if err != nil {
				return err
			}
			return p.checkFeeds(cmd.Context(), c, args, asJSON)
		},
	}
	jsonFlag(cmd, &asJSON)
	clientFlags(cmd)
	return cmd
}

func (p *program) checkFeeds(ctx context.Context, c *client, names []string, asJSON bool) error {
	var paths []string
	for _, n := range names {
		paths = append(paths, feedPath(n))
	}
	if len(paths) == 0 {
		list, err := c.listFeeds(ctx)
		if err != nil {
			return err
		}
		for _, f := range list {
			paths = append(paths, f.Path)
		}
	}
	bar := p.progress(len(paths), "checking")
	checked, found := 0, []objection{}
	for _, path := range paths {
		n, wrong, err := c.checkFeed(ctx, path)
		if err != nil {
			return err
		}
		checked, found = checked+n, append(found, wrong...)
		_ = bar.Add(1) // a terminal that went away is no reason to stop
	}
	_ = bar.Finish()
	switch {
	case asJSON:
		if err := printJSON(p.io.out, map[string]any{"feeds": len(paths), "documents": checked, "problems": found}); err != nil {
			return err
		}
	case len(found) > 0:
		rows := make([][]string, len(found))
		for i, o := range found {
			rows[i] = []string{o.Document, o.Problem}
		}
		printTable(p.io.out, []string{"document", "problem"}, rows)
	default:
		fmt.Fprintf(p.io.out, "ok: %d feeds, %d documents, nothing is wrong\n", len(paths), checked)
	}
	if len(found) > 0 {
		return fmt.Errorf("%d things are wrong in %d documents", len(found), checked)
	}
	return nil
}

// checkFeed checks a feed in every format, and says how many documents that were.
func (c *client) checkFeed(ctx context.Context, path string) (documents int, found []objection, err error) {
	var first []string
	for _, format := range feedFormats {
		n, ids, wrong, err := c.checkChain(ctx, path+"."+format, format)
		if err != nil {
			return documents, found, err
		}
		documents, found = documents+n, append(found, wrong...)
		slices.Sort(ids)
		if first == nil {
			first = ids
		} else if !slices.Equal(slices.Compact(ids), slices.Compact(slices.Clone(first))) {
			found = append(found, objection{path + "." + format, fmt.Sprintf("its walk finds %d releases, that of %s finds %d", len(slices.Compact(ids)), feedFormats[0], len(slices.Compact(slices.Clone(first))))})
		}
	}
	return documents, found, nil
}

// checkChain checks a document and those of its archive, and returns the ids that
// a walk finds.
func (c *client) checkChain(ctx context.Context, path, format string) (documents int, ids []string, found []objection, err error) {
	seen, archived := map[string]bool{}, map[string]bool{}
	for at := path; at != ""; {
		if seen[at] {
			return documents, ids, append(found, objection{at, "the archive leads in a circle"}), nil
		}
		seen[at] = true
		object := func(text string, args ...any) { found = append(found, objection{at, fmt.Sprintf(text, args...)}) }
		doc, err := c.read(ctx, at)
		if err != nil {
			return documents, ids, found, err
		}
		documents++
		r := check.Document(format, doc.body)
		for _, problem := range r.Problems {
			object("%s", problem)
		}
		if at == path && len(doc.body) > maxFeed {
			object("it has %d kB, which small readers do not take", len(doc.body)>>10)
		}
		if err := c.checkValidators(ctx, at, doc.etag); err != nil {
			object("%s", err)
		}
		for _, id := range r.IDs {
			if archived[id] {
				object("%s stands in the archive twice", id)
			}
			archived[id] = at != path
			ids = append(ids, id)
		}
		at, err = pathOnly(r.Previous)
		if err != nil {
			object("the link to its archive: %s", err)
		}
	}
	return documents, ids, found, nil
}

// checkValidators asks once more with the validators of the first answer.
func (c *client) checkValidators(ctx context.Context, path, tag string) error {
	if tag == "" || strings.HasPrefix(tag, "W/") {
		return fmt.Errorf("its ETag %q is none, or weak", tag)
	}
	again, err := c.read(ctx, path, "If-None-Match", tag)
	if err != nil {
		return err
	}
	if again.status != http.StatusNotModified && again.etag == tag {
		return fmt.Errorf("asked with its own ETag it answers %d", again.status)
	}
	return nil
}

// pathOnly is the part of an address that the server itself is asked for.
func pathOnly(address string) (string, error) {
	u, err := url.Parse(address)
	if err != nil || address == "" {
		return "", err
	}
	if at := strings.Index(u.EscapedPath(), "/feeds/"); at >= 0 {
		return u.EscapedPath()[at:], nil
	}
	return "", fmt.Errorf("%s is no feed", address)
}
