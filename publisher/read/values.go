package read

import (
	"encoding/json"
	"errors"
	"io"
	"iter"
	"strings"

	"dateline/publisher/news"
)

// jsonValues takes JSON apart: one object, a list of objects, or objects one
// after the other, as in lines of JSON. Each is told apart by its keys.
func (r *Reader) jsonValues(text string) iter.Seq2[sheet, error] {
	return func(yield func(sheet, error) bool) {
		in := json.NewDecoder(strings.NewReader(text))
		list := strings.HasPrefix(text, "[")
		if list {
			if _, err := in.Token(); err != nil {
				yield(sheet{}, streamProblem(text, err))
				return
			}
		}
		for n := 0; in.More(); n++ {
			if n == maxEntries {
				yield(sheet{}, boundsOf(0, n+1, 0, 0))
				return
			}
			var value json.RawMessage
			if err := in.Decode(&value); err != nil {
				yield(sheet{}, streamProblem(text, err))
				return
			}
			for s, err := range r.jsonObject(value) {
				if !yield(s, err) {
					return
				}
			}
		}
		if !list {
			return
		}
		if _, err := in.Token(); err != nil {
			yield(sheet{}, streamProblem(text, err))
		}
	}
}

// jsonObject reads one object of any kind.
func (r *Reader) jsonObject(b []byte) iter.Seq2[sheet, error] {
	switch kindOfJSON(b) {
	case FormatJSONFeed:
		return r.jsonFeed(b)
	case FormatNinjs:
		return single(r.ninjs(b))
	}
	return single(r.releaseJSON(b))
}

// kindOfJSON tells the format of an object by its keys; release JSON is what has
// none of the others' marks.
func kindOfJSON(b []byte) string {
	var marks struct {
		SpecVersion, Version, Items, URI, VersionCreated json.RawMessage
	}
	if json.Unmarshal(b, &marks) != nil {
		return FormatJSON
	}
	switch {
	case strings.Contains(string(marks.Version), "jsonfeed.org/"):
		return FormatJSONFeed
	case marks.SpecVersion != nil, marks.URI != nil, marks.VersionCreated != nil:
		return FormatNinjs
	}
	return FormatJSON
}

// streamProblem says where JSON breaks.
func streamProblem(text string, err error) error {
	if errors.Is(err, io.ErrUnexpectedEOF) || errors.Is(err, io.EOF) {
		return news.Problemf(news.BadRequest, "the JSON breaks off before its end: unexpected end of the document; send all of it")
	}
	return jsonProblem([]byte(text), err)
}
