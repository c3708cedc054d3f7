package wire

// JoinPath and RenewPath are the hub's addresses for boards without a valid
// certificate. A renewal is made over TLS with the old certificate, which may
// have expired: the handshake proves its key.
const (
	JoinPath  = "/api/v1/join"
	RenewPath = "/api/v1/renew"
)

// BoardProtocol is offered by a board in its TLS handshake (ALPN) beside that
// which it speaks. A hub whose pages have a certificate from elsewhere shows a
// board the one of its own CA, which alone a board trusts.
const BoardProtocol = "gourdian-board"

// JoinRequest asks for a certificate.
type JoinRequest struct {
	Contract int    `json:"contract"`
	Secret   string `json:"secret,omitempty"` // of the token; not for a renewal
	Device   string `json:"device"`
	CSR      string `json:"csr"` // PEM, ECDSA P-256, common name = Device
	Name     string `json:"name,omitempty"`
	Version  string `json:"version"` // of the agent
}

// JoinAnswer is what a board keeps to reach its hub.
type JoinAnswer struct {
	Contract    int    `json:"contract"`
	Certificate string `json:"certificate"` // PEM
	CA          string `json:"ca"`          // PEM, the one to trust for hub and broker
	Broker      string `json:"broker"`      // host:port, TLS
	Site        string `json:"site"`
	Name        string `json:"name"`
	Hub         string `json:"hub_version"`
	Root        string `json:"root,omitempty"` // root of trust as JSON text, which a board pins
}
