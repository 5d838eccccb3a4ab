package archive

import (
	"cmp"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"net/url"
	"os"
	"path"
	"strings"

	"github.com/minio/minio-go/v7"
	"github.com/minio/minio-go/v7/pkg/credentials"
)

const (
	defaultRegion = "us-east-1"
	// tries is how often a request is made that fails in a way that may pass. What fails
	// after that is tried again when history looks the next time.
	tries = 3
)

// S3Config says where files are in storage that speaks S3.
type S3Config struct {
	URL       string // endpoint, bucket and, where wanted, what names begin with
	Region    string
	AccessKey string // "": what the environment has: AWS's variables, or the role of the machine
	SecretKey string
}

// S3 is a place in storage that speaks S3.
type S3 struct {
	client         *minio.Client
	bucket, prefix string
	url            string
}

// NewS3 returns the place. It makes no request, and fails with ErrPlace.
func NewS3(cfg S3Config) (*S3, error) {
	u, err := url.Parse(cfg.URL)
	if err != nil || u.Scheme != "https" && u.Scheme != "http" || u.Host == "" || u.User != nil || u.RawQuery != "" || u.Fragment != "" {
		return nil, fmt.Errorf("%w: it must be https://ENDPOINT/BUCKET or https://ENDPOINT/BUCKET/PREFIX", ErrPlace)
	}
	bucket, prefix, _ := strings.Cut(strings.Trim(u.Path, "/"), "/")
	if bucket == "" {
		return nil, fmt.Errorf("%w: the URL has no bucket after the endpoint", ErrPlace)
	}
	client, err := minio.New(u.Host, &minio.Options{
		Creds: keys(cfg), Secure: u.Scheme == "https", Region: cmp.Or(cfg.Region, defaultRegion), MaxRetries: tries,
	})
	if err != nil {
		return nil, fmt.Errorf("%w: %w", ErrPlace, err)
	}
	return &S3{client: client, bucket: bucket, prefix: prefix, url: strings.TrimSuffix(cfg.URL, "/")}, nil
}

func keys(cfg S3Config) *credentials.Credentials {
	if cfg.AccessKey != "" {
		return credentials.NewStaticV4(cfg.AccessKey, cfg.SecretKey, "")
	}
	return credentials.NewChainCredentials([]credentials.Provider{&credentials.EnvAWS{}, &credentials.IAM{}})
}

// Put implements Place. The file waits in this machine's directory for such until it is
// stored and what was stored is what was sent.
func (s *S3) Put(ctx context.Context, name string, write func(io.Writer) error) error {
	f, err := spool()
	if err != nil {
		return err
	}
	defer func() { _ = f.Close() }() // what it holds is stored by then, or of no use
	sum := sha256.New()
	if err := write(io.MultiWriter(f, sum)); err != nil {
		return err
	}
	size, err := checked(f)
	if err != nil {
		return fmt.Errorf("read %s again: %w", name, err)
	}
	if err := s.replace(ctx, name, f, size); err != nil {
		return err
	}
	return s.verify(ctx, name, hex.EncodeToString(sum.Sum(nil)))
}

// replace stores a file in the place of the one that is there, unless that has more.
func (s *S3) replace(ctx context.Context, name string, f File, size int64) error {
	only := minio.PutObjectOptions{ContentType: "application/gzip", SendContentMd5: true}
	anyway := only
	kept, tag, err := s.fetch(ctx, name)
	switch {
	case errors.Is(err, ErrNone):
		only.SetMatchETagExcept("*")
	case err != nil:
		return err
	default:
		defer kept.Close()
		if err := noLess(f, kept); err != nil {
			return fmt.Errorf("%s: %w", s.Where(name), err)
		}
		only.SetMatchETag(tag)
	}
	_, err = s.client.PutObject(ctx, s.bucket, s.key(name), f, size, only)
	if minio.ToErrorResponse(err).Code == minio.NotImplemented { // not all storage takes conditions
		if _, err = f.Seek(0, io.SeekStart); err == nil {
			_, err = s.client.PutObject(ctx, s.bucket, s.key(name), f, size, anyway)
		}
	}
	switch {
	case err == nil:
		return nil
	case minio.ToErrorResponse(err).Code == minio.PreconditionFailed:
		return fmt.Errorf("%w: %s was put there meanwhile", ErrMore, s.Where(name))
	default:
		return fmt.Errorf("put %s: %w: %w", s.Where(name), errAnswer, err)
	}
}

// verify reads an object again.
func (s *S3) verify(ctx context.Context, name, want string) error {
	stored, err := s.Open(ctx, name)
	if err != nil {
		return fmt.Errorf("read it again: %w", err)
	}
	defer stored.Close()
	sum := sha256.New()
	if _, err := io.Copy(sum, stored); err != nil {
		return fmt.Errorf("read %s again: %w", s.Where(name), err)
	}
	if have := hex.EncodeToString(sum.Sum(nil)); have != want {
		return fmt.Errorf("%w: %s has the digest %s, and %s was sent", ErrDamaged, s.Where(name), have, want)
	}
	return nil
}

// Open implements Place. The file is fetched as a whole.
func (s *S3) Open(ctx context.Context, name string) (File, error) {
	f, _, err := s.fetch(ctx, name)
	return f, err
}

// fetch returns a file, and the tag by which the storage knows it from others of that name.
func (s *S3) fetch(ctx context.Context, name string) (File, string, error) {
	object, err := s.client.GetObject(ctx, s.bucket, s.key(name), minio.GetObjectOptions{})
	if err != nil {
		return nil, "", fmt.Errorf("get %s: %w: %w", s.Where(name), errAnswer, err)
	}
	defer func() { _ = object.Close() }() // it has been read
	f, err := spool()
	if err != nil {
		return nil, "", err
	}
	var is minio.ObjectInfo
	if _, err = io.Copy(f, object); err == nil {
		_, err = f.Seek(0, io.SeekStart)
	}
	if err == nil {
		is, err = object.Stat() // of what was read
	}
	if err == nil {
		return f, is.ETag, nil
	}
	_ = f.Close() // it holds nothing of use
	if minio.ToErrorResponse(err).Code == minio.NoSuchKey {
		return nil, "", fmt.Errorf("%w: %s", ErrNone, s.Where(name))
	}
	return nil, "", fmt.Errorf("get %s: %w: %w", s.Where(name), errAnswer, err)
}

// Each implements Place.
func (s *S3) Each(ctx context.Context, prefix string, do func(name string) error) error {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	start := ""
	if s.prefix != "" {
		start = s.prefix + "/"
	}
	for object := range s.client.ListObjects(ctx, s.bucket, minio.ListObjectsOptions{Prefix: start + prefix, Recursive: true}) {
		if object.Err != nil {
			return fmt.Errorf("list %s: %w: %w", s.Where(prefix), errAnswer, object.Err)
		}
		if !IsFile(object.Key) {
			continue
		}
		if err := do(strings.TrimPrefix(object.Key, start)); err != nil {
			return err
		}
	}
	return ctx.Err()
}

// Where implements Place.
func (s *S3) Where(name string) string {
	return s.url + "/" + name
}

func (s *S3) key(name string) string { return path.Join(s.prefix, name) }

// spooled is a file that nobody else sees, and that is gone once it is closed.
type spooled struct{ *os.File }

func spool() (spooled, error) {
	f, err := os.CreateTemp("", "slipway-archive-")
	return spooled{f}, err
}

// Close removes the file.
func (s spooled) Close() error {
	_ = os.Remove(s.Name()) // what is left goes with the directory for such
	return s.File.Close()
}
