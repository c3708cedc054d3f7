package cloud

import (
	"net"
	"net/url"
	"os"
)

// address is where boards join and people look, as far as the config tells.
func (c *Config) address() string {
	if c.Address != "" {
		return c.Address
	}
	_, port, err := net.SplitHostPort(c.Listen)
	if err != nil {
		return "" // Validate refused it before
	}
	return "https://" + net.JoinHostPort(c.host(), port)
}

// brokerAddress is where boards connect: the host of address, the port of the
// broker.
func (c *Config) brokerAddress() string {
	host := c.host()
	if u, err := url.Parse(c.Address); err == nil && u.Hostname() != "" {
		host = u.Hostname()
	}
	_, port, err := net.SplitHostPort(c.ListenMQTT)
	if err != nil {
		return "" // Validate refused it before
	}
	return net.JoinHostPort(host, port)
}

// certificateNames are those that the hub's own certificate is for: what the
// config says and what this machine is called.
func (h *Hub) certificateNames() []string {
	names := append([]string{"localhost", "127.0.0.1", "::1", h.config.host()}, h.config.Names...)
	if u, err := url.Parse(h.config.Address); err == nil && u.Hostname() != "" {
		names = append(names, u.Hostname())
	}
	if name, err := os.Hostname(); err == nil && name != "" {
		names = append(names, name, name+".local")
	}
	addresses, err := net.InterfaceAddrs()
	if err != nil {
		h.log.Warn("the machine's addresses are not known; its certificate lacks them", "error", err)
	}
	for _, a := range addresses {
		if n, ok := a.(*net.IPNet); ok && n.IP.IsGlobalUnicast() {
			names = append(names, n.IP.String())
		}
	}
	return names
}
