package uplink

import (
	"crypto/tls"
	"crypto/x509"
	"encoding/json"
	"encoding/pem"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
	"time"

	mqtt "github.com/eclipse/paho.mqtt.golang"

	"gourdian/agent/internal/membership"
	"gourdian/agent/internal/membership/hubtest"
	"gourdian/internal/wire"
)

// outside is a hub behind a broker that is not its own: Debian's mosquitto,
// which a subscriber reads.
type outside struct {
	*hub
	config string
	cmd    *exec.Cmd
	client mqtt.Client
}

func newOutside(t *testing.T) *outside {
	t.Helper()
	ca := hubtest.NewCA(t)
	from, until := time.Now().Add(-time.Hour), time.Now().Add(100*time.Hour)
	cert := ca.Server(t, x509.ExtKeyUsageServerAuth, from, until)
	free, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	addr := free.Addr().String()
	_ = free.Close()
	o := &outside{hub: &hub{table: newTable(), ca: ca, cert: cert, join: hubtest.Start(t, ca, cert), addr: addr, t: t}}
	o.writeConfig()
	o.open()
	t.Cleanup(o.close)
	return o
}

func (o *outside) writeConfig() {
	dir := o.t.TempDir()
	key, err := x509.MarshalPKCS8PrivateKey(o.cert.PrivateKey)
	if err != nil {
		o.t.Fatal(err)
	}
	_, port, err := net.SplitHostPort(o.addr)
	if err != nil {
		o.t.Fatal(err)
	}
	chain := append(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: o.cert.Certificate[0]}), o.ca.PEM()...)
	for name, content := range map[string][]byte{
		"ca.pem": []byte(o.ca.PEM()), "cert.pem": chain,
		"key.pem": pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: key}),
		"mosquitto.conf": fmt.Appendf(nil, `listener %s 127.0.0.1
cafile %s/ca.pem
certfile %s/cert.pem
keyfile %s/key.pem
require_certificate true
use_identity_as_username true
allow_anonymous true
user root
`, port, dir, dir, dir),
	} {
		if err := os.WriteFile(filepath.Join(dir, name), content, 0o600); err != nil {
			o.t.Fatal(err)
		}
	}
	o.config = filepath.Join(dir, "mosquitto.conf")
}

// open starts broker and subscriber.
func (o *outside) open() {
	o.t.Helper()
	o.cmd = exec.Command("/usr/sbin/mosquitto", "-c", o.config)
	o.cmd.Stderr = o.t.Output()
	if err := o.cmd.Start(); err != nil {
		o.t.Fatalf("mosquitto: %v (make setup installs it)", err)
	}
	client := o.ca.Server(o.t, x509.ExtKeyUsageClientAuth, time.Now().Add(-time.Hour), time.Now().Add(time.Hour))
	options := mqtt.NewClientOptions().AddBroker("ssl://" + o.addr).SetClientID("hub").SetAutoReconnect(false).SetConnectTimeout(time.Second).
		SetTLSConfig(&tls.Config{RootCAs: o.ca.Pool(), Certificates: []tls.Certificate{client}})
	until(o.t, "the broker", func() bool {
		o.client = mqtt.NewClient(options)
		token := o.client.Connect()
		return token.WaitTimeout(5*time.Second) && token.Error() == nil
	})
	token := o.client.Subscribe(wire.UpFilter, 1, func(c mqtt.Client, m mqtt.Message) {
		device, name, _, ok := wire.ParseTopic(m.Topic())
		if !ok {
			return
		}
		ack, err := o.take(name, m.Payload())
		if ack == nil || err != nil {
			return
		}
		data, err := json.Marshal(ack)
		if err != nil {
			o.t.Error(err)
		}
		go c.Publish(wire.Topic(device, wire.TopicAck), 1, false, data)
	})
	if !token.WaitTimeout(5*time.Second) || token.Error() != nil {
		o.t.Fatal(token.Error())
	}
}

func (o *outside) close() {
	o.client.Disconnect(100)
	_ = o.cmd.Process.Kill()
	_ = o.cmd.Wait() // killed
}

func TestRecordsArriveOnceThroughMosquittoThatIsKilled(t *testing.T) {
	t.Parallel()
	o := newOutside(t)
	b := newBoard(t, t.TempDir())
	b.timing.ackTimeout = 500 * time.Millisecond
	b.keep(100)
	b.joinAt(o.hub, o.addr)
	b.run()
	complete(t, o.table, b)
	for range 5 {
		b.keep(20)
		o.close()
		b.keep(5)
		o.open()
	}
	complete(t, o.table, b)
}

func TestMosquittoSeesTheLastWill(t *testing.T) {
	t.Parallel()
	o := newOutside(t)
	p := newProxy(t, o.addr)
	b := newBoard(t, t.TempDir())
	b.joinAt(o.hub, p.addr())
	b.run()
	online := func(want bool) func() bool {
		return func() (ok bool) {
			o.look(func(tb *table) { ok = len(tb.states) > 0 && tb.states[len(tb.states)-1].Online == want })
			return ok
		}
	}
	until(t, "the first state", online(true))
	p.setDown(true)
	until(t, "the last will", online(false))
	p.setDown(false)
	until(t, "a state again", online(true))
	if err := membership.Leave(b.data); err != nil {
		t.Fatal(err)
	}
	until(t, "goodbye", online(false))
}
