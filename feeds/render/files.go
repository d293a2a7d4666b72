package render

import (
	"net/url"
	"path"
	"strings"

	"dateline/publisher/news"
)

// file is something to download that a release links to.
type file struct{ url, mediaType, title string }

// filesOf are the links of a release that lead to a file, as their names tell.
func filesOf(rel *news.Release) []file {
	var out []file
	for _, l := range rel.Links {
		u, err := url.Parse(clean(l.URL))
		if err != nil || u.Host == "" || (u.Scheme != "https" && u.Scheme != "http") {
			continue
		}
		if t := mediaType(strings.ToLower(path.Ext(u.Path))); t != "" {
			out = append(out, file{u.String(), t, cleanLine(l.Title)})
		}
	}
	return out
}

// mediaType is that of files with an extension; empty for pages. It is not the
// system's table, which differs between machines.
func mediaType(extension string) string {
	switch extension {
	case ".pdf":
		return "application/pdf"
	case ".doc":
		return "application/msword"
	case ".docx":
		return "application/vnd.openxmlformats-officedocument.wordprocessingml.document"
	case ".xls":
		return "application/vnd.ms-excel"
	case ".xlsx":
		return "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"
	case ".ppt":
		return "application/vnd.ms-powerpoint"
	case ".pptx":
		return "application/vnd.openxmlformats-officedocument.presentationml.presentation"
	case ".zip":
		return "application/zip"
	case ".csv":
		return "text/csv"
	case ".mp3":
		return "audio/mpeg"
	case ".mp4":
		return "video/mp4"
	case ".jpg", ".jpeg":
		return "image/jpeg"
	case ".png":
		return "image/png"
	}
	return ""
}
