package ingest

import (
	"context"
	"crypto/tls"
	"encoding/json"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	mqtt "github.com/eclipse/paho.mqtt.golang"

	"gourdian/cloud/internal/authority"
	"gourdian/cloud/internal/broker/brokertest"
	"gourdian/cloud/internal/db/dbtest"
	"gourdian/internal/wire"
)

// The load: boards that each send so many batches, two at a time, as the
// agent's uplink does.
const (
	benchBoards  = 20
	benchBatches = 50
	benchRecords = 100
	benchWindow  = 2
)

// sender is a connected board of the benchmark.
type sender struct {
	device string
	client mqtt.Client
}

// pour sends all batches of all boards and returns how many records were
// acknowledged by PUBACK.
func pour(b *testing.B, boards []sender, batches map[string][][]byte) uint64 {
	b.Helper()
	var acked atomic.Uint64
	var all sync.WaitGroup
	for _, board := range boards {
		all.Go(func() {
			var open []mqtt.Token
			wait := func() {
				if open[0].WaitTimeout(time.Minute) && open[0].Error() == nil {
					acked.Add(benchRecords)
				}
				open = open[1:]
			}
			for _, payload := range batches[board.device] {
				if len(open) == benchWindow {
					wait()
				}
				open = append(open, board.client.Publish(wire.Topic(board.device, wire.TopicRecords), 1, false, payload))
			}
			for len(open) > 0 {
				wait()
			}
		})
	}
	all.Wait()
	return acked.Load()
}

func benchBatch(b *testing.B) map[string][][]byte {
	b.Helper()
	batches := map[string][][]byte{}
	for n := range benchBoards {
		device := "board" + strconv.Itoa(n)
		for k := range uint64(benchBatches) {
			batches[device] = append(batches[device], encode(b, batch(b, device, k*benchRecords+1, (k+1)*benchRecords)))
		}
	}
	return batches
}

func report(b *testing.B, acked, delivered uint64, took time.Duration) {
	b.Helper()
	b.ReportMetric(0, "ns/op")
	b.ReportMetric(float64(delivered)/took.Seconds(), "records/s")
	b.ReportMetric(float64(acked), "acknowledged")
	b.ReportMetric(float64(delivered), "delivered")
	b.ReportMetric(float64(max(acked, delivered)-delivered), "lost")
}

// BenchmarkBrokerToCommit sets the way of a record from a board's socket to a
// commit on disk beside mosquitto and a subscriber that only counts, both over
// mTLS. Run it with -benchtime 1x: each run is one load.
func BenchmarkBrokerToCommit(b *testing.B) {
	batches := benchBatch(b)
	b.Run("hub", func(b *testing.B) {
		for range b.N {
			h := startHub(b, dbtest.SQLite(b))
			var boards []sender
			for device := range batches {
				client, _ := h.board(b, device)
				boards = append(boards, sender{device, client})
			}
			start := time.Now()
			acked := pour(b, boards, batches)
			took := time.Since(start)
			n, err := h.db.Read().NewSelect().Model((*Record)(nil)).Count(context.Background())
			if err != nil {
				b.Fatal(err)
			}
			report(b, acked, uint64(n), took)
		}
	})
	b.Run("mosquitto", func(b *testing.B) {
		for range b.N {
			addr, ca := startMosquitto(b)
			connect := func(device string) mqtt.Client {
				pair, _ := brokertest.Certificate(b, ca, device)
				client, err := brokertest.Connect(b, brokertest.Client(addr, device, pair))
				if err != nil {
					b.Fatal(err)
				}
				return client
			}
			var delivered atomic.Uint64
			token := connect("subscriber").Subscribe(wire.UpFilter, 1, func(_ mqtt.Client, m mqtt.Message) {
				var one wire.Batch
				if json.Unmarshal(m.Payload(), &one) == nil {
					delivered.Add(uint64(len(one.Records)))
				}
			})
			if !token.WaitTimeout(brokertest.Patience) || token.Error() != nil {
				b.Fatal(token.Error())
			}
			var boards []sender
			for device := range batches {
				boards = append(boards, sender{device, connect(device)})
			}
			start := time.Now()
			acked := pour(b, boards, batches)
			settle(&delivered, acked)
			report(b, acked, delivered.Load(), time.Since(start))
		}
	})
}

// settle waits until all is delivered, or nothing more comes for three seconds.
func settle(delivered *atomic.Uint64, all uint64) {
	ticker := time.NewTicker(10 * time.Millisecond)
	defer ticker.Stop()
	last, moved := delivered.Load(), time.Now()
	for last < all && time.Since(moved) < 3*time.Second {
		<-ticker.C
		if now := delivered.Load(); now != last {
			last, moved = now, time.Now()
		}
	}
}

// startMosquitto starts one with certificates of an authority of its own and
// queues without limits.
func startMosquitto(b *testing.B) (net.Addr, *authority.Authority) {
	b.Helper()
	program, err := exec.LookPath("mosquitto")
	if err != nil {
		if program, err = exec.LookPath("/usr/sbin/mosquitto"); err != nil {
			b.Fatal("mosquitto is missing: run `scripts/setup.sh test`")
		}
	}
	dir := b.TempDir()
	ca, err := authority.Open(filepath.Join(dir, "ca"), time.Now)
	if err != nil {
		b.Fatal(err)
	}
	if _, err := ca.Server([]string{"127.0.0.1"}); err != nil {
		b.Fatal(err)
	}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		b.Fatal(err)
	}
	addr := l.Addr()
	if err := l.Close(); err != nil {
		b.Fatal(err)
	}
	config := filepath.Join(dir, "mosquitto.conf")
	text := fmt.Sprintf("listener %d 127.0.0.1\ncafile %s\ncertfile %s\nkeyfile %s\nrequire_certificate true\nallow_anonymous true\nmax_queued_messages 0\nmax_inflight_messages 1000\nuser root\nlog_type none\n",
		addr.(*net.TCPAddr).Port, filepath.Join(dir, "ca", "ca.pem"), filepath.Join(dir, "ca", "server.pem"), filepath.Join(dir, "ca", "server.key"))
	if err := os.WriteFile(config, []byte(text), 0o600); err != nil {
		b.Fatal(err)
	}
	server := exec.Command(program, "-c", config)
	if err := server.Start(); err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() {
		_ = server.Process.Kill()
		_ = server.Wait()
	})
	for late := time.After(brokertest.Patience); ; {
		conn, err := tls.Dial("tcp", addr.String(), &tls.Config{InsecureSkipVerify: true})
		if err == nil {
			_ = conn.Close()
			return addr, ca
		}
		select {
		case <-late:
			b.Fatalf("mosquitto does not answer: %v", err)
		case <-time.After(20 * time.Millisecond):
		}
	}
}
