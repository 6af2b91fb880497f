package main

import (
	"bytes"
	"compress/gzip"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"connectrpc.com/connect"
	"github.com/google/pprof/profile"
	typesv1 "github.com/grafana/pyroscope/api/gen/proto/go/types/v1"
)

// What a server allows that nobody has configured. The rate is the largest one: a profile beyond it never gets through.
const (
	largestProfile = 2_000_000
	mostSamples    = 16_000
	mostLabels     = 30
	oldest         = time.Hour
	newest         = 10 * time.Minute
)

func invalid(format string, arguments ...any) error {
	return connect.NewError(connect.CodeInvalidArgument, fmt.Errorf(format, arguments...))
}

func labelsOf(pairs []*typesv1.LabelPair) (map[string]string, error) {
	labels := map[string]string{"service_name": "unknown_service"}
	for _, pair := range pairs {
		if pair.Name == "" || pair.Value == "" {
			return nil, invalid("label %q has the value %q", pair.Name, pair.Value)
		}
		labels[pair.Name] = pair.Value
	}
	if labels["__name__"] == "" {
		return nil, invalid("the label __name__ is missing")
	}
	if len(labels) > mostLabels {
		return nil, invalid("%d labels, more than %d", len(labels), mostLabels)
	}
	return labels, nil
}

// parse reads a profile that is compressed with gzip, or is not compressed: what else there is, zstd too, is no profile.
func parse(raw []byte) (*profile.Profile, error) {
	plain := raw
	if bytes.HasPrefix(raw, []byte{0x1f, 0x8b}) {
		reader, err := gzip.NewReader(bytes.NewReader(raw))
		if err != nil {
			return nil, invalid("gzip: %w", err)
		}
		var buffer bytes.Buffer
		if _, err := buffer.ReadFrom(reader); err != nil {
			return nil, invalid("gzip: %w", err)
		}
		plain = buffer.Bytes()
	}
	if len(plain) > largestProfile {
		return nil, connect.NewError(connect.CodeResourceExhausted,
			fmt.Errorf("a profile of %d bytes is beyond the rate of %d", len(plain), largestProfile))
	}
	parsed, err := profile.ParseUncompressed(plain)
	if err != nil {
		return nil, invalid("pprof: %w", err)
	}
	if err := parsed.CheckValid(); err != nil {
		return nil, invalid("pprof: %w", err)
	}
	if err := check(parsed); err != nil {
		return nil, err
	}
	// Such samples are left out without a word.
	parsed.Sample = slices.DeleteFunc(parsed.Sample, func(sample *profile.Sample) bool {
		return slices.Min(sample.Value) < 0 || slices.Max(sample.Value) == 0
	})
	return parsed, nil
}

func check(p *profile.Profile) error {
	if len(p.SampleType) == 0 {
		return invalid("the profile has no sample type")
	}
	for _, kind := range p.SampleType {
		if strings.Contains(kind.Type, "-") {
			return invalid("the sample type %q has a dash", kind.Type)
		}
	}
	if len(p.Sample) > mostSamples {
		return invalid("%d samples, more than %d", len(p.Sample), mostSamples)
	}
	if age := time.Since(time.Unix(0, p.TimeNanos)); p.TimeNanos != 0 && (age > oldest || age < -newest) {
		return invalid("the profile is of %s", time.Unix(0, p.TimeNanos).UTC().Format(time.RFC3339))
	}
	return nil
}

// sampleLabels are those of a series with those of a sample: each text becomes a label, but for what names a span. Where
// both have one, that of the series stays.
func sampleLabels(series map[string]string, sample *profile.Sample) map[string]string {
	all := map[string]string{}
	for name, values := range sample.Label {
		if len(values) > 0 && !slices.Contains([]string{"span_id", "trace_id", "profile_id"}, name) {
			all[name] = values[0]
		}
	}
	maps.Copy(all, series)
	return all
}

func sortedKeys(labels map[string]string) []string {
	return slices.Sorted(maps.Keys(labels))
}

// parseSelector knows one kind of matcher: {name="value",…}, with values that need no escape.
func parseSelector(text string) (map[string]string, error) {
	inner, ok := strings.CutPrefix(strings.TrimSpace(text), "{")
	inner, closed := strings.CutSuffix(inner, "}")
	if !ok || !closed {
		return nil, fmt.Errorf("the selector %q is not in braces", text)
	}
	selector := map[string]string{}
	for matcher := range strings.SplitSeq(inner, ",") {
		if matcher = strings.TrimSpace(matcher); matcher == "" {
			continue
		}
		name, value, found := strings.Cut(matcher, "=")
		if !found || len(value) < 2 || value[0] != '"' || value[len(value)-1] != '"' {
			return nil, fmt.Errorf("the matcher %q is not of the form name=\"value\"", matcher)
		}
		selector[name] = value[1 : len(value)-1]
	}
	return selector, nil
}
