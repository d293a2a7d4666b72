package publisher_test

import (
	"net/http"
	"strings"
	"testing"

	"dateline/publisher"
	"dateline/publisher/news"
)

func TestHandler_erase(t *testing.T) {
	t.Parallel()
	s := newService(t)
	id := news.NewID("secret")
	path := "/api/v1/releases/" + id
	t.Run("a release leaves a tombstone, and nothing can follow", func(t *testing.T) {
		if a := s.do(t, "POST", "/api/v1/releases", "text/markdown", secretText); a.status != http.StatusCreated {
			t.Fatalf("status %d: %s", a.status, a.body)
		}
		refused(t, s.do(t, "DELETE", path+"?reason=x", "", "", "Scopes", "publish withdraw read-embargoed"), http.StatusForbidden, "admin")
		refused(t, s.do(t, "DELETE", path, "", ""), http.StatusUnprocessableEntity, "needs a reason")
		a := s.do(t, "DELETE", path+"?reason=Asked+for.", "", "")
		if e := a.event(t); a.status != http.StatusOK || a.header.Get(publisher.HeaderOutcome) != "erased" || e.Data.Title != news.ErasedTitle || e.DatelineReason != "Asked for." {
			t.Errorf("status %d: %s", a.status, a.body)
		}
		if a := s.do(t, "DELETE", path+"?reason=Again.", "", ""); a.status != http.StatusOK || a.header.Get(publisher.HeaderOutcome) != "unchanged" {
			t.Errorf("once more: status %d: %s", a.status, a.body)
		}
		refused(t, s.do(t, "POST", "/api/v1/releases", "text/markdown", secretText), http.StatusConflict, "was erased")
		refused(t, s.do(t, "POST", path+"/republish", "text/markdown", secretText, "If-Match", "*"), http.StatusConflict, "was erased")
		for _, at := range []string{path, path + "/history", "/api/v1/events?after=0", "/api/v1/releases?q=quillfeather", "/api/v1/erasures"} {
			if a := s.do(t, "GET", at, "", ""); strings.Contains(string(a.body), "Quillfeather") || strings.Contains(string(a.body), "zyxomatic") {
				t.Errorf("%s tells %s", at, a.body)
			}
		}
		if a := s.do(t, "GET", path+"/history", "", ""); !strings.Contains(string(a.body), `"erased"`) || !strings.Contains(string(a.body), `"published"`) {
			t.Errorf("the trail is %s", a.body)
		}
	})
	t.Run("what was never public leaves nothing", func(t *testing.T) {
		draft := strings.Replace(secretText, "origin: secret", "origin: never", 1)
		never := news.NewID("never")
		if a := s.do(t, "POST", "/api/v1/releases?status=draft", "text/markdown", draft); a.status != http.StatusCreated {
			t.Fatalf("status %d: %s", a.status, a.body)
		}
		if a := s.do(t, "DELETE", "/api/v1/desk/"+never, "", "", "If-Match", "*"); a.status != http.StatusNoContent {
			t.Fatalf("status %d: %s", a.status, a.body)
		}
		if a := s.do(t, "DELETE", "/api/v1/releases/"+never+"?reason=x", "", ""); a.status != http.StatusNoContent {
			t.Fatalf("status %d: %s", a.status, a.body)
		}
		notes, err := s.wire.Notes(t.Context(), never)
		if err != nil || len(notes) == 0 {
			t.Fatalf("%d entries of the trail, %v", len(notes), err)
		}
		for _, n := range notes {
			if strings.Contains(string(n), "Quillfeather") || strings.Contains(string(n), "zyxomatic") {
				t.Errorf("the trail says %s", n)
			}
		}
		refused(t, s.do(t, "DELETE", "/api/v1/releases/"+news.NewID("nothing")+"?reason=x", "", ""), http.StatusNotFound, "nothing is kept")
	})
}
