package wire

import (
	"encoding/json"
	"errors"
	"fmt"
	"unicode"
	"unicode/utf8"
)

// Limits of messages beside those of link.go.
const (
	MaxJoinBytes = 64 << 10 // of a JoinRequest or JoinAnswer as JSON
	MaxArgs      = 16       // of a condition
	maxPEM       = 32 << 10
	maxAddress   = 300 // bytes of host:port
	linkSince    = 2   // the Contract that brought the link, and the oldest that is understood
	maxContract  = 1_000_000
	maxNumber    = 1_000_000 // of frames a second, milliseconds and degrees: nonsense begins here
)

// ErrMessage is wrapped by every error of the decoders of the link's messages.
var ErrMessage = errors.New("bad message")

// ErrContract is wrapped where a message is of a contract that is too old.
var ErrContract = errors.New("contract")

// message is what travels as JSON and knows its own limits.
type message[T any] interface {
	*T
	check() error
}

// decode reads and validates one message. Fields that it doesn't know are
// ignored: they come from a newer program.
func decode[T any, M message[T]](what string, data []byte, most int) (T, error) {
	var v, none T
	if len(data) > most {
		return none, fmt.Errorf("%w: %s: %d bytes, at most %d", ErrMessage, what, len(data), most)
	}
	if err := json.Unmarshal(data, &v); err != nil {
		return none, fmt.Errorf("%w: %s: %w", ErrMessage, what, err)
	}
	if err := M(&v).check(); err != nil {
		return none, fmt.Errorf("%w: %s: %w", ErrMessage, what, err)
	}
	return v, nil
}

// DecodeBatch reads a Batch. Its records are not looked at: DecodeRecord does
// that one by one.
func DecodeBatch(data []byte) (Batch, error) { return decode[Batch]("batch", data, MaxPacket) }

// DecodeAck reads an Ack.
func DecodeAck(data []byte) (Ack, error) { return decode[Ack]("ack", data, MaxPacket) }

// DecodeState reads a State. Of one that is offline nothing is taken but what a
// last will says.
func DecodeState(data []byte) (State, error) {
	s, err := decode[State]("state", data, MaxPacket)
	if !s.Online {
		return State{Contract: s.Contract, Boot: s.Boot}, err
	}
	return s, err
}

// DecodeDesired reads a Desired.
func DecodeDesired(data []byte) (Desired, error) { return decode[Desired]("desired", data, MaxPacket) }

// DecodeSummary reads a Summary.
func DecodeSummary(data []byte) (Summary, error) { return decode[Summary]("summary", data, MaxPacket) }

// DecodeLogLines reads LogLines.
func DecodeLogLines(data []byte) (LogLines, error) {
	return decode[LogLines]("log lines", data, MaxPacket)
}

// DecodeWant reads a Want.
func DecodeWant(data []byte) (Want, error) { return decode[Want]("want", data, MaxPacket) }

// DecodeSample reads a message of TopicSamples: its header and its body, which
// is a part of frame.
func DecodeSample(frame []byte) (SampleHeader, []byte, error) {
	var h SampleHeader
	body, err := DecodeFrame(frame, &h)
	if err != nil {
		return SampleHeader{}, nil, fmt.Errorf("%w: sample: %w", ErrMessage, err)
	}
	if err := h.check(len(body)); err != nil {
		return SampleHeader{}, nil, fmt.Errorf("%w: sample: %w", ErrMessage, err)
	}
	return h, body, nil
}

// DecodeJoinRequest reads a JoinRequest.
func DecodeJoinRequest(data []byte) (JoinRequest, error) {
	return decode[JoinRequest]("join request", data, MaxJoinBytes)
}

// DecodeJoinAnswer reads a JoinAnswer.
func DecodeJoinAnswer(data []byte) (JoinAnswer, error) {
	return decode[JoinAnswer]("join answer", data, MaxJoinBytes)
}

func checkContract(n int) error {
	if n < linkSince {
		return fmt.Errorf("%w: %d, this program speaks %d to %d", ErrContract, n, linkSince, Contract)
	}
	return nil
}

// Fit says how the contract of the other side goes with this program's.
type Fit string

// Fits. What is older or newer is understood, but for what one side lacks; what
// is too old is not.
const (
	Fits   Fit = ""
	Older  Fit = "older"
	Newer  Fit = "newer"
	TooOld Fit = "too_old"
)

// FitOf says how a contract goes with this program's.
func FitOf(contract int) Fit {
	switch {
	case contract < linkSince:
		return TooOld
	case contract < Contract:
		return Older
	case contract > Contract:
		return Newer
	}
	return Fits
}

// ContractOf reads the contract of a message that can't be read otherwise; ok is
// false where it names none.
func ContractOf(data []byte) (contract int, ok bool) {
	var said struct {
		Contract *int `json:"contract"`
	}
	if json.Unmarshal(data, &said) != nil {
		if _, err := DecodeFrame(data, &said); err != nil {
			return 0, false
		}
	}
	if said.Contract == nil || *said.Contract < 0 || *said.Contract > maxContract {
		return 0, false
	}
	return *said.Contract, true
}

// checkText allows printable text for people up to most bytes, also none.
func checkText(field, text string, most int) error {
	if len(text) > most {
		return fmt.Errorf("%s: %d bytes, at most %d", field, len(text), most)
	}
	if !utf8.ValidString(text) {
		return fmt.Errorf("%s: no UTF-8", field)
	}
	for _, c := range text {
		if !unicode.IsPrint(c) {
			return fmt.Errorf("%s: the character %U", field, c)
		}
	}
	return nil
}

// Text makes any text fit for a field of at most most bytes: what can't be
// printed becomes a space, what is too long is cut at a character.
func Text(text string, most int) string {
	clean := make([]byte, 0, min(len(text), most))
	for _, c := range text {
		if c == utf8.RuneError || !unicode.IsPrint(c) {
			c = ' '
		}
		if len(clean)+utf8.RuneLen(c) > most {
			break
		}
		clean = utf8.AppendRune(clean, c)
	}
	return string(clean)
}

func checkOptionalID(field, id string) error {
	if id == "" {
		return nil
	}
	return checkID(field, id)
}
