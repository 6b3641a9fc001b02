// The same families with client_golang: const metrics from a collector, behind promhttp.
//
//	client_golang families.json
//
// It listens on a free port of 127.0.0.1 and prints which.
package main

import (
	"encoding/json"
	"fmt"
	"log"
	"net"
	"net/http"
	"os"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/promhttp"
)

type family struct {
	Name    string
	Help    string
	Labels  []string
	Values  [][]string
	Numbers []float64
	desc    *prometheus.Desc
}

// families makes every metric anew at each scrape, as exporters of remote state do.
type families []family

func (all families) Describe(descs chan<- *prometheus.Desc) {
	for _, each := range all {
		descs <- each.desc
	}
}

func (all families) Collect(metrics chan<- prometheus.Metric) {
	for _, each := range all {
		for i, values := range each.Values {
			metrics <- prometheus.MustNewConstMetric(
				each.desc, prometheus.GaugeValue, each.Numbers[i], values...)
		}
	}
}

func main() {
	data, err := os.ReadFile(os.Args[1])
	if err != nil {
		log.Fatal(err)
	}
	var all families
	if err := json.Unmarshal(data, &all); err != nil {
		log.Fatal(err)
	}
	for i, each := range all {
		all[i].desc = prometheus.NewDesc(each.Name, each.Help, each.Labels, nil)
	}
	registry := prometheus.NewRegistry()
	registry.MustRegister(all)
	http.Handle("/metrics", promhttp.HandlerFor(registry, promhttp.HandlerOpts{
		EnableOpenMetrics: true,
	}))
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(listener.Addr().(*net.TCPAddr).Port)
	log.Fatal(http.Serve(listener, nil))
}
