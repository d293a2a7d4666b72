package main

import (
	"embed"
	"encoding/json"
	"fmt"
	"path"

	"dateline/publisher/news"
)

//go:embed corpus
var corpusFiles embed.FS

// corpus is the demo's set of releases, written for this project, each with
// the tags a careful editor would give it: the demo's own truth, against which
// feeds and alerts are checked.
type corpus struct {
	Releases    []labelled   `json:"releases"`
	Corrections []correction `json:"corrections"`
	Withdrawals []withdrawal `json:"withdrawals"`
}

type labelled struct {
	File      string   `json:"file"`
	Origin    string   `json:"origin"`
	Fields    []string `json:"fields"`
	Countries struct {
		About []string `json:"about"`
		Place []string `json:"place"`
	} `json:"countries"`
	Sources  []string `json:"sources"`
	Type     string   `json:"type"`
	Language string   `json:"language"`
	Date     string   `json:"date"`
}

type correction struct {
	Of   string `json:"of"`
	File string `json:"file"`
	Note string `json:"note"`
}

type withdrawal struct {
	Of     string `json:"of"`
	Reason string `json:"reason"`
}

func loadCorpus() (corpus, error) {
	var c corpus
	b, err := corpusFiles.ReadFile("corpus/corpus.json")
	if err == nil {
		err = json.Unmarshal(b, &c)
	}
	if err != nil {
		return c, fmt.Errorf("the demo's corpus: %w", err)
	}
	return c, nil
}

func corpusDocument(name string) (document, error) {
	b, err := corpusFiles.ReadFile(path.Join("corpus", name))
	if err != nil {
		return document{}, fmt.Errorf("the demo's corpus: %w", err)
	}
	return document{name, b, mediaType(b)}, nil
}

// release is the labelled release as far as matching needs it.
func (l *labelled) release() news.Release {
	r := news.Release{ID: news.NewID(l.Origin), Type: l.Type, Language: l.Language}
	for _, f := range l.Fields {
		r.Fields = append(r.Fields, news.Tag{Slug: f})
	}
	for _, s := range l.Sources {
		r.Sources = append(r.Sources, news.Tag{Slug: s})
	}
	for _, c := range l.Countries.About {
		r.Countries = append(r.Countries, news.CountryTag{Slug: c, Role: news.About})
	}
	for _, c := range l.Countries.Place {
		r.Countries = append(r.Countries, news.CountryTag{Slug: c, Role: news.PlaceRole})
	}
	return r
}
