package wire

import (
	"fmt"
	"strings"
)

// Way is the direction of a topic, seen from the board.
type Way string

// Ways.
const (
	Up   Way = "up"
	Down Way = "down"
)

// Names of topics. Up: what a board says. Down: what the hub says to one board.
const (
	TopicRecords = "records" // Batch
	TopicSamples = "samples" // a frame with a SampleHeader
	TopicState   = "state"   // State; the last will is one too
	TopicSummary = "summary" // Summary
	TopicLog     = "log"     // LogLines
	TopicAsk     = "ask"     // Ask

	TopicAck     = "ack"     // Ack
	TopicDesired = "desired" // Desired
	TopicWant    = "want"    // Want
	TopicChunk   = "chunk"   // a frame with a ChunkHeader
)

// topicRoot is the first level and the version of the link.
const topicRoot = "g/1/"

func ways() map[string]Way {
	return map[string]Way{
		TopicRecords: Up, TopicSamples: Up, TopicState: Up, TopicSummary: Up, TopicLog: Up, TopicAsk: Up,
		TopicAck: Down, TopicDesired: Down, TopicWant: Down, TopicChunk: Down,
	}
}

// Topic returns "g/1/<device>/<way>/<name>"; an unknown name or a device that
// is no identifier is a programming error and panics.
func Topic(device, name string) string {
	way, known := ways()[name]
	if !known || checkID("device", device) != nil {
		panic(fmt.Sprintf("wire: no topic %q of %q", name, device))
	}
	return topicRoot + device + "/" + string(way) + "/" + name
}

// DownFilter is what a board subscribes to: everything that is said to it.
func DownFilter(device string) string { return topicRoot + device + "/" + string(Down) + "/+" }

// UpFilter is what a hub behind an outside broker subscribes to.
const UpFilter = topicRoot + "+/" + string(Up) + "/+"

// ParseTopic takes a topic apart; ok is false for whatever is none of the
// link's.
func ParseTopic(topic string) (device, name string, way Way, ok bool) {
	rest, found := strings.CutPrefix(topic, topicRoot)
	parts := strings.Split(rest, "/")
	if !found || len(parts) != 3 || checkID("device", parts[0]) != nil {
		return "", "", "", false
	}
	way, known := ways()[parts[2]]
	if !known || string(way) != parts[1] {
		return "", "", "", false
	}
	return parts[0], parts[2], way, true
}
