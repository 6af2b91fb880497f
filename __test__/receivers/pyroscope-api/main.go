// A receiver behind Pyroscope's published API: the requests are taken apart by Pyroscope's own generated code, and what
// comes of a profile is decided here, by the rules that its server follows. It is not that server: its module is not one
// that can be installed. Writes the address that it listens on as the first line, and keeps everything in memory.
package main

import (
	"context"
	"fmt"
	"log"
	"net"
	"net/http"

	"connectrpc.com/connect"
	googlev1 "github.com/grafana/pyroscope/api/gen/proto/go/google/v1"
	pushv1 "github.com/grafana/pyroscope/api/gen/proto/go/push/v1"
	"github.com/grafana/pyroscope/api/gen/proto/go/push/v1/pushv1connect"
	querierv1 "github.com/grafana/pyroscope/api/gen/proto/go/querier/v1"
	"github.com/grafana/pyroscope/api/gen/proto/go/querier/v1/querierv1connect"
	typesv1 "github.com/grafana/pyroscope/api/gen/proto/go/types/v1"
)

type server struct {
	querierv1connect.UnimplementedQuerierServiceHandler
	store store
}

// Push takes series one by one: those before a wrong one are kept.
func (s *server) Push(
	_ context.Context, request *connect.Request[pushv1.PushRequest],
) (*connect.Response[pushv1.PushResponse], error) {
	for _, series := range request.Msg.Series {
		labels, err := labelsOf(series.Labels)
		if err != nil {
			return nil, err
		}
		for _, sample := range series.Samples {
			parsed, err := parse(sample.RawProfile)
			if err != nil {
				return nil, err
			}
			s.store.add(labels, parsed)
		}
	}
	return connect.NewResponse(&pushv1.PushResponse{}), nil
}

// SelectMergeProfile does not look at the period that is asked for.
func (s *server) SelectMergeProfile(
	_ context.Context, request *connect.Request[querierv1.SelectMergeProfileRequest],
) (*connect.Response[googlev1.Profile], error) {
	selector, err := parseSelector(request.Msg.LabelSelector)
	if err != nil {
		return nil, connect.NewError(connect.CodeInvalidArgument, err)
	}
	merged, err := s.store.merge(request.Msg.ProfileTypeID, selector)
	if err != nil {
		return nil, err
	}
	return connect.NewResponse(merged), nil
}

// Series gives all labels of everything that was pushed, whatever is asked for.
func (s *server) Series(
	context.Context, *connect.Request[querierv1.SeriesRequest],
) (*connect.Response[querierv1.SeriesResponse], error) {
	response := &querierv1.SeriesResponse{}
	for _, labels := range s.store.series() {
		set := &typesv1.Labels{}
		for _, name := range sortedKeys(labels) {
			set.Labels = append(set.Labels, &typesv1.LabelPair{Name: name, Value: labels[name]})
		}
		response.LabelsSet = append(response.LabelsSet, set)
	}
	return connect.NewResponse(response), nil
}

func main() {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		log.Fatal(err)
	}
	s := &server{}
	mux := http.NewServeMux()
	mux.Handle(pushv1connect.NewPusherServiceHandler(s))
	mux.Handle(querierv1connect.NewQuerierServiceHandler(s))
	fmt.Printf("http://%s\n", listener.Addr())
	log.Fatal(http.Serve(listener, mux))
}
