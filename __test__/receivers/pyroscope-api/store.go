package main

import (
	"bytes"
	"fmt"
	"sync"

	"connectrpc.com/connect"
	"github.com/google/pprof/profile"
	googlev1 "github.com/grafana/pyroscope/api/gen/proto/go/google/v1"
)

type pushed struct {
	labels  map[string]string
	profile *profile.Profile
}

type store struct {
	mutex sync.Mutex
	all   []pushed
}

func (s *store) add(labels map[string]string, p *profile.Profile) {
	s.mutex.Lock()
	defer s.mutex.Unlock()
	s.all = append(s.all, pushed{labels, p})
}

// series are the different sets of labels, in the order in which they came.
func (s *store) series() []map[string]string {
	s.mutex.Lock()
	defer s.mutex.Unlock()
	var sets []map[string]string
	seen := map[string]bool{}
	for _, one := range s.all {
		for _, sample := range one.profile.Sample {
			labels := sampleLabels(one.labels, sample)
			if key := fmt.Sprint(labels); !seen[key] {
				seen[key] = true
				sets = append(sets, labels)
			}
		}
	}
	return sets
}

// merge adds up the samples of a type that match a selector. The type is named by a series and a profile together, as
// name:type:unit:period type:period unit.
func (s *store) merge(id string, selector map[string]string) (*googlev1.Profile, error) {
	s.mutex.Lock()
	defer s.mutex.Unlock()
	var parts []*profile.Profile
	for _, one := range s.all {
		if part := pick(one, id, selector); part != nil {
			parts = append(parts, part)
		}
	}
	result := &googlev1.Profile{}
	if len(parts) == 0 {
		return result, nil
	}
	merged, err := profile.Merge(parts)
	if err != nil {
		return nil, connect.NewError(connect.CodeInternal, err)
	}
	var buffer bytes.Buffer
	if err := merged.WriteUncompressed(&buffer); err != nil {
		return nil, connect.NewError(connect.CodeInternal, err)
	}
	if err := result.UnmarshalVT(buffer.Bytes()); err != nil {
		return nil, connect.NewError(connect.CodeInternal, err)
	}
	return result, nil
}

// pick is what a profile has for a query: one type of value, without labels, so that equal stacks become one.
func pick(one pushed, id string, selector map[string]string) *profile.Profile {
	period := one.profile.PeriodType
	if period == nil {
		period = &profile.ValueType{}
	}
	for index, kind := range one.profile.SampleType {
		name := fmt.Sprintf("%s:%s:%s:%s:%s", one.labels["__name__"], kind.Type, kind.Unit, period.Type, period.Unit)
		if name != id {
			continue
		}
		part := one.profile.Copy()
		part.SampleType = part.SampleType[index : index+1]
		var samples []*profile.Sample
		for _, sample := range part.Sample {
			if !matches(sampleLabels(one.labels, sample), selector) || sample.Value[index] == 0 {
				continue
			}
			sample.Value = sample.Value[index : index+1]
			sample.Label, sample.NumLabel, sample.NumUnit = nil, nil, nil
			samples = append(samples, sample)
		}
		part.Sample = samples
		return part.Compact()
	}
	return nil
}

func matches(labels, selector map[string]string) bool {
	for name, value := range selector {
		if labels[name] != value {
			return false
		}
	}
	return true
}
