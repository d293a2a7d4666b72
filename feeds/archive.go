package feeds

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"strconv"
	"strings"
	"time"

	"dateline/feeds/index"
	"dateline/feeds/render"
	"dateline/publisher/news"
)

// cutArchive takes "archive/2026-11" out of a path behind /feeds/, leaving the
// selection with its extension.
func cutArchive(rest string) (selection, name string, ok bool) {
	i := strings.LastIndex(rest, render.ArchivePath)
	if i < 0 {
		return rest, "", false
	}
	name, format := splitFormat(rest[i+len(render.ArchivePath):])
	return rest[:i] + format.written, name, true
}

// serveArchive answers for a document of the archive of a selection, or its page.
// language is the one in front of the path, empty for none.
func (f *Feeds) serveArchive(w http.ResponseWriter, r *http.Request, selection, name, language string) error {
	part, err := parsePart(name)
	if err != nil {
		return err
	}
	p, format, err := f.planOf(selection)
	var m *moved
	switch {
	case errors.As(err, &m):
		name, format := splitFormat(m.path)
		return &moved{inLanguage(language, name+render.ArchivePath+part.String()+format.extension())}
	case err != nil:
		return err
	case part.String() != name, format != "" && language != "":
		return &moved{inLanguage(language, "/feeds/"+p.path+render.ArchivePath+part.String()+asked{Format: format}.extension())}
	}
	if err := f.ended(&p.selection); err != nil {
		return err
	}
	a, ok := f.index.Archive(p.query, part, f.limits)
	if !ok {
		return news.Problemf(news.NotFound, "the archive of this feed has nothing at %s; it begins with what %s links to", part, "/feeds/"+p.path+asked{Format: format}.extension())
	}
	if format == "" {
		return f.serveArchivePage(w, r, p, &a, language)
	}
	feedHeaders(w.Header(), format)
	// Links between the documents of an archive can change without any entry,
	// so no time of change would be right.
	v := validators{tag: f.archiveTag(p, &a, format)}
	return f.answer(w, r, v, render.TTL, http.StatusOK, func() (*document, error) { return f.archive(r.Context(), p, &a, v.tag, format) })
}

func (f *Feeds) archiveTag(p *plan, a *index.Archive, format render.Format) string {
	head := fmt.Appendf(nil, "%s\n%s %s %s\n%d\n", p.path, a.Part, nameOf(a.Previous), nameOf(a.Next), a.Updated.UnixMilli())
	tag := hashed(f.feedSeed, head, contentOf(a.Entries))
	if format == render.RSS {
		return tag
	}
	return withKin(tag, a.Entries)
}

// archive is a document of an archive in a format.
func (f *Feeds) archive(ctx context.Context, p *plan, a *index.Archive, tag string, format render.Format) (*document, error) {
	return f.keep(ctx, p.path+render.ArchivePath+a.Part.String()+"."+string(format), tag, func(ctx context.Context) (*document, error) {
		head := p.head
		head.Title = p.title + ", " + a.Part.Month.String() + " " + strconv.Itoa(a.Part.Year) + " – " + f.cfg.Title
		head.Hub = "" // of archives nobody is told
		head.Archive, head.Previous, head.Next = a.Part.String(), nameOf(a.Previous), nameOf(a.Next)
		around, err := f.newFrame(format, head)
		if err != nil {
			return nil, err
		}
		d, err := f.assemble(ctx, format, around, a.Updated, a.Entries)
		if err != nil {
			return nil, err
		}
		d.tag = tag
		return d, nil
	})
}

// nameOf is the name of a document of an archive, empty for none.
func nameOf(p index.Part) string {
	if p == (index.Part{}) {
		return ""
	}
	return p.String()
}

// parsePart reads the name of a document of an archive, "2026-11" or
// "2026-11-2". Whether it is written as [index.Part.String] does is for the
// caller to see.
func parsePart(name string) (index.Part, error) {
	month, number, numbered := name, "", false
	if len(name) > len("2026-11") && name[len("2026-11")] == '-' {
		month, number, numbered = name[:len("2026-11")], name[len("2026-11")+1:], true
	}
	t, err := time.Parse("2006-01", month)
	p := index.Part{Year: t.Year(), Month: t.Month(), Number: 1}
	if err == nil && numbered {
		var n uint64
		n, err = strconv.ParseUint(number, 10, 31)
		p.Number = int(n)
	}
	if err != nil || p.Number < 1 {
		return p, news.Problemf(news.BadRequest, "%.20q names no month of an archive; they are named like 2026-11, or 2026-11-2 for a second document", name)
	}
	return p, nil
}
