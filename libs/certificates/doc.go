// Package certificates shows the certificate that lies in files, and lets in the clients
// of authorities that do. The files are looked at with each connection and read again when
// one of them was changed: who renews certificates need not tell anybody.
package certificates
