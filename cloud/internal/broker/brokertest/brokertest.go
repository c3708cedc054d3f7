// Package brokertest is a board as a broker sees it, for tests: a client with a
// certificate of its own.
package brokertest

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"net"
	"net/url"
	"testing"
	"time"

	mqtt "github.com/eclipse/paho.mqtt.golang"

	"gourdian/cloud/internal/authority"
	"gourdian/internal/wire"
)

// Patience is how long a test waits for what must happen.
const Patience = 20 * time.Second

// Request makes a key and a certificate request.
func Request(t testing.TB, device string) (*ecdsa.PrivateKey, string) {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	return key, RequestWith(t, device, key)
}

// RequestWith makes a certificate request with a key.
func RequestWith(t testing.TB, device string, key *ecdsa.PrivateKey) string {
	t.Helper()
	der, err := x509.CreateCertificateRequest(rand.Reader, &x509.CertificateRequest{Subject: pkix.Name{CommonName: device}}, key)
	if err != nil {
		t.Fatal(err)
	}
	return string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE REQUEST", Bytes: der}))
}

// Pair puts a certificate and its key together.
func Pair(t testing.TB, certPEM []byte, key *ecdsa.PrivateKey) tls.Certificate {
	t.Helper()
	der, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		t.Fatal(err)
	}
	pair, err := tls.X509KeyPair(certPEM, pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: der}))
	if err != nil {
		t.Fatal(err)
	}
	return pair
}

// Certificate lets an authority issue a certificate for a new key.
func Certificate(t testing.TB, a *authority.Authority, device string) (tls.Certificate, authority.Leaf) {
	t.Helper()
	key, text := Request(t, device)
	request, err := authority.ReadRequest(text, device)
	if err != nil {
		t.Fatal(err)
	}
	leaf, err := a.Board(request)
	if err != nil {
		t.Fatal(err)
	}
	return Pair(t, leaf.PEM, key), leaf
}

// Client returns the options of a board that trusts whoever answers; that is
// the board's affair and is tested there.
func Client(addr net.Addr, device string, certificate ...tls.Certificate) *mqtt.ClientOptions {
	config := &tls.Config{InsecureSkipVerify: true, Certificates: certificate}
	return mqtt.NewClientOptions().AddBroker("ssl://" + addr.String()).SetClientID(device).
		SetProtocolVersion(4).SetCleanSession(true).SetAutoReconnect(false).SetOrderMatters(true).
		SetKeepAlive(time.Minute).SetConnectTimeout(Patience).SetWriteTimeout(Patience).
		SetTLSConfig(config).SetCustomOpenConnectionFn(func(*url.URL, mqtt.ClientOptions) (net.Conn, error) {
		return tls.Dial("tcp", addr.String(), config)
	})
}

// Connect connects, or returns why not.
func Connect(t testing.TB, options *mqtt.ClientOptions) (mqtt.Client, error) {
	t.Helper()
	client := mqtt.NewClient(options)
	t.Cleanup(func() { client.Disconnect(0) })
	token := client.Connect()
	if !token.WaitTimeout(Patience) {
		t.Fatal("the broker says neither yes nor no")
	}
	return client, token.Error()
}

// Listen subscribes to what is said to a board.
func Listen(t testing.TB, client mqtt.Client, device string) <-chan mqtt.Message {
	t.Helper()
	heard := make(chan mqtt.Message, 1024)
	token := client.Subscribe(wire.DownFilter(device), 1, func(_ mqtt.Client, m mqtt.Message) { heard <- m })
	if !token.WaitTimeout(Patience) || token.Error() != nil {
		t.Fatalf("subscribe: %v", token.Error())
	}
	return heard
}
