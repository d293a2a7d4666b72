package subscribers_test

import (
	"net/http"
	"testing"

	"dateline/subscribers"
)

func TestSubscribers_Subscribe_disguised(t *testing.T) {
	w := newWorld(t, nil)
	for name, char := range map[string]string{
		"control sequence introducer": "\u009b", "right-to-left override": "\u202e", "isolate": "\u2066", "byte order mark": "\ufeff",
	} {
		for channel, address := range map[subscribers.Channel]string{
			subscribers.Mail: "na" + char + "me@example.org", subscribers.Webhook: "https://example.org/ho" + char + "ok",
		} {
			t.Run(string(channel)+" address with a "+name, func(t *testing.T) {
				rec := w.call("POST", "/api/v1/subscriptions", subscribers.Wish{Channel: channel, Address: address, Selection: fields("policing")})
				if rec.Code != http.StatusUnprocessableEntity {
					t.Errorf("got %d %s", rec.Code, rec.Body)
				}
			})
		}
	}
}
