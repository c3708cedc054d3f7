package live

import "time"

// Link is how the board stands with its hub. Having joined none is no fault:
// a board works alone for as long as it likes.
type Link struct {
	Joined      bool
	Hub         string // address, for people
	Site, Name  string
	CertUntil   time.Time
	Connected   bool
	Since       time.Time // of Connected, or of not
	Why         string    // one of Whys while it is not connected, "" = not yet tried
	LastAck     time.Time // zero = none since the start
	Unsent      uint64    // records that the hub has not acknowledged
	Quarantined uint64    // records that the hub put away
	BytesUp     uint64    // since the start
	BytesDown   uint64
	// Pictures for the hub: those that wait, those that were sent today, and how
	// many may be in a day; 0 = pictures stay on the board.
	PhotosWaiting, PhotosToday, PhotosMost int
}

// SetLink says how the board stands with its hub.
func (h *Hub) SetLink(link Link) {
	h.change(func(s *State) { s.Link = &link })
}

// Reasons in Link.Why; the page has words for each.
const (
	WhyUnreachable = "unreachable"
	WhyRefused     = "refused"
	WhyExpired     = "expired"
	WhyOtherHub    = "other_hub"
	WhyClock       = "clock"
	WhyDamaged     = "damaged"
)

// Whys are the values of Link.Why.
func Whys() []string {
	return []string{WhyUnreachable, WhyRefused, WhyExpired, WhyOtherHub, WhyClock, WhyDamaged}
}
