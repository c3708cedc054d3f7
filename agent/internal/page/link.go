package page

import (
	"time"

	"gourdian/agent/internal/live"
	"gourdian/agent/internal/sampling"
	"gourdian/internal/web"
)

// missedAfter is from when the page says that the hub has not been reached.
const missedAfter = 10 * time.Minute

// linkCard says how the board stands with its hub.
type linkCard struct {
	Joined                        bool
	State, Hub, Site, Name        string
	Unsent, Quarantined, Up, Down string
	Photos, Waiting, PhotosWhy    string // which leave the board
	Until, Ack                    web.Moment
}

func (s *Server) linkCard(v *voice, link *live.Link) linkCard {
	if link == nil || !link.Joined {
		card := linkCard{State: v.Say("link.alone")}
		if link != nil && link.Why != "" {
			card.State = v.linkReason(link.Why)
		}
		return card
	}
	now := time.Now()
	card := linkCard{
		Joined: true, Hub: link.Hub, Site: link.Site, Name: link.Name, Unsent: v.Whole(int(link.Unsent)),
		Up: v.Bytes(int64(link.BytesUp)), Down: v.Bytes(int64(link.BytesDown)),
		Until: s.clockTime(v, link.CertUntil, now), Ack: s.moment(v, link.LastAck, now), State: v.Say("link.connected"),
	}
	card.photos(v, link)
	if link.Quarantined > 0 {
		card.Quarantined = v.Whole(int(link.Quarantined))
	}
	if !link.Connected {
		card.State = v.linkReason(link.Why)
	}
	return card
}

// photos says which pictures leave the board, and why.
func (card *linkCard) photos(v *voice, link *live.Link) {
	if link.PhotosMost == 0 {
		card.Photos = v.Say("link.photos_off")
		return
	}
	card.Photos = v.Count("link.photos_today", link.PhotosToday, "most", v.Whole(link.PhotosMost))
	card.PhotosWhy = v.Say("link.photos_why", "share", v.Whole(sampling.Share))
	if link.PhotosWaiting > 0 {
		card.Waiting = v.Count("link.photos_waiting", link.PhotosWaiting)
	}
}

func (v *voice) linkReason(why string) string {
	if key := "link.why_" + why; v.Has(key) {
		return v.Say(key)
	}
	return v.Say("link.connecting")
}

// linkFact says in passing how the link is; "" where that is no news. Working
// alone is no fault, and neither is a hub that is away: nothing is lost.
func (v *voice) linkFact(link *live.Link, now time.Time) string {
	switch {
	case link == nil:
		return ""
	case !link.Joined:
		return v.Say("link.fact_alone")
	case !link.Connected && now.Sub(link.Since) >= missedAfter:
		return v.Say("link.fact_missed", "time", v.Lasting(now.Sub(link.Since)))
	case link.Unsent > 0:
		return v.Count("link.fact_unsent", int(link.Unsent))
	case link.PhotosWaiting > 0:
		return v.Count("link.fact_photos", link.PhotosWaiting)
	}
	return ""
}

// The link in the answer of /api/v1/status.
type linkAnswer struct {
	Joined      bool       `json:"joined"`
	Hub         string     `json:"hub,omitempty"`
	Site        string     `json:"site,omitempty"`
	Name        string     `json:"name,omitempty"`
	CertUntil   *time.Time `json:"certificate_until"`
	Connected   bool       `json:"connected"`
	Since       *time.Time `json:"since"`
	Why         string     `json:"why,omitempty"`
	LastAck     *time.Time `json:"last_ack"`
	Unsent      uint64     `json:"unsent"`
	Quarantined uint64     `json:"quarantined"`
	BytesUp     uint64     `json:"bytes_up"`
	BytesDown   uint64     `json:"bytes_down"`
	// Pictures that wait to be sent, that were sent today, and how many may be in
	// a day; 0 = none leaves the board.
	PhotosWaiting int `json:"photos_waiting"`
	PhotosToday   int `json:"photos_today"`
	PhotosMost    int `json:"photos_most"`
}

func linkAnswerOf(link *live.Link) *linkAnswer {
	if link == nil {
		return nil
	}
	return &linkAnswer{
		Joined: link.Joined, Hub: link.Hub, Site: link.Site, Name: link.Name, CertUntil: momentOrNull(link.CertUntil),
		Connected: link.Connected, Since: momentOrNull(link.Since), Why: link.Why, LastAck: momentOrNull(link.LastAck),
		Unsent: link.Unsent, Quarantined: link.Quarantined, BytesUp: link.BytesUp, BytesDown: link.BytesDown,
		PhotosWaiting: link.PhotosWaiting, PhotosToday: link.PhotosToday, PhotosMost: link.PhotosMost,
	}
}
