package people

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"regexp"
	"time"

	"github.com/uptrace/bun"

	"gourdian/cloud/internal/db"
)

// Errors that people are told about.
var (
	ErrNotFound  = errors.New("no such person")
	ErrName      = errors.New("a name has 1 to 40 letters, digits, dots, hyphens or underscores, or is an e-mail address")
	ErrNameTaken = errors.New("another person has this name")
	ErrRole      = errors.New("no such role")
	ErrLastAdmin = errors.New("the hub would have no admin left")
	ErrWrong     = errors.New("name or password is wrong")
	ErrLink      = errors.New("this link was used, replaced, or is too old")
)

// LinkPath is where a one-time link leads on the hub; its secret follows.
const LinkPath = "/link/"

const (
	linkLife   = 7 * 24 * time.Hour
	seenEvery  = time.Minute // how exactly it is known when a person was last here
	noPassword = ""          // of a person who has not yet opened the first link
)

// Person is one who may use the hub.
type Person struct {
	bun.BaseModel `bun:"table:person"`

	ID       string `bun:"id,pk"`
	Name     string `bun:"name"`
	Role     Role   `bun:"role"`
	Password string `bun:"password"` // hash
	Disabled bool   `bun:"disabled"`
	Created  int64  `bun:"created_at"`
	Seen     int64  `bun:"seen_at"`
}

// Invited reports whether the person has yet to choose a password.
func (p Person) Invited() bool { return p.Password == noPassword }

// SeenAt is when the person was last here; zero = never.
func (p Person) SeenAt() time.Time { return db.Time(p.Seen) }

// Stamp changes with the password: a session or form of an older one is void.
func (p Person) Stamp() string { return hashSecret(p.Password)[:16] }

type invite struct {
	bun.BaseModel `bun:"table:invite"`

	Secret  string `bun:"secret,pk"` // hash
	Person  string `bun:"person"`    // "" = the first admin, who chooses the name
	Expires int64  `bun:"expires_at"`
}

// People are all persons. Any number of goroutines may use it.
type People struct {
	db   *db.DB
	hash hasher
	// decoy is compared where there is no such name, so that the time of an
	// answer doesn't tell which names there are.
	decoy string
}

// New returns the people in d.
func New(ctx context.Context, d *db.DB) (*People, error) {
	p := &People{db: d, hash: newHasher()}
	var err error
	if p.decoy, err = p.hash.hash(ctx, newSecret()); err != nil {
		return nil, fmt.Errorf("open people: %w", err)
	}
	return p, nil
}

var validName = regexp.MustCompile(`^[\pL\pN][\pL\pN._@+-]{0,39}$`)

// Empty reports whether nobody has set the hub up yet.
func (p *People) Empty(ctx context.Context) (bool, error) {
	there, err := p.db.Read().NewSelect().Model((*Person)(nil)).Where("password <> ?", noPassword).Exists(ctx)
	if err != nil {
		return false, fmt.Errorf("look for people: %w", err)
	}
	return !there, nil
}

// FirstLink returns the secret of a link that makes the first admin. An earlier
// one is void.
func (p *People) FirstLink(ctx context.Context) (string, error) { return p.link(ctx, p.db.Write(), "") }

func (p *People) link(ctx context.Context, tx bun.IDB, person string) (string, error) {
	if _, err := tx.NewDelete().Model((*invite)(nil)).Where("person = ?", person).Exec(ctx); err != nil {
		return "", fmt.Errorf("make link: %w", err)
	}
	secret := newSecret()
	row := invite{Secret: hashSecret(secret), Person: person, Expires: db.Micros(time.Now().Add(linkLife))}
	if _, err := tx.NewInsert().Model(&row).Exec(ctx); err != nil {
		return "", fmt.Errorf("make link: %w", err)
	}
	return secret, nil
}

// Link tells whose link a secret is: "" for the first admin. ErrLink when it is
// void.
func (p *People) Link(ctx context.Context, secret string) (name string, err error) {
	return linked(ctx, p.db.Read(), secret)
}

func linked(ctx context.Context, tx bun.IDB, secret string) (name string, err error) {
	var row invite
	err = tx.NewSelect().Model(&row).Where("secret = ?", hashSecret(secret)).Where("expires_at > ?", db.Micros(time.Now())).Scan(ctx)
	if errors.Is(err, sql.ErrNoRows) {
		return "", ErrLink
	}
	if err != nil {
		return "", fmt.Errorf("read link: %w", err)
	}
	if row.Person == "" {
		return "", nil
	}
	one, err := get(ctx, tx, row.Person)
	if err != nil {
		return "", ErrLink
	}
	return one.Name, nil
}

// Accept uses a link up: it makes the first admin with this name, or sets the
// password of the link's person, whose name then is not asked for.
func (p *People) Accept(ctx context.Context, secret, name, password string) (Person, error) {
	whose, err := p.Link(ctx, secret)
	if err != nil {
		return Person{}, err
	}
	if whose != "" {
		name = whose
	}
	if !validName.MatchString(name) {
		return Person{}, ErrName
	}
	if err := checkPassword(name, password); err != nil {
		return Person{}, err
	}
	hash, err := p.hash.hash(ctx, password)
	if err != nil {
		return Person{}, fmt.Errorf("hash password: %w", err)
	}
	var one Person
	err = p.db.Tx(ctx, func(ctx context.Context, tx bun.Tx) error {
		if _, err := linked(ctx, tx, secret); err != nil { // someone else was faster
			return err
		}
		if _, err := tx.NewDelete().Model((*invite)(nil)).Where("secret = ?", hashSecret(secret)).Exec(ctx); err != nil {
			return err
		}
		if whose == "" {
			one = Person{ID: newID(), Name: name, Role: Admin, Password: hash, Created: db.Micros(time.Now())}
			if err := insert(ctx, tx, &one); err != nil {
				return err
			}
			return WriteIn(ctx, tx, name, "hub.setup", name, "first admin")
		}
		if err := tx.NewSelect().Model(&one).Where("name = ?", name).Scan(ctx); err != nil {
			return err
		}
		one.Password = hash
		if _, err := tx.NewUpdate().Model(&one).WherePK().Column("password").Exec(ctx); err != nil {
			return err
		}
		return WriteIn(ctx, tx, name, "person.password", name, "by a one-time link")
	})
	if err != nil {
		return Person{}, fmt.Errorf("use link: %w", err)
	}
	return one, nil
}

func insert(ctx context.Context, tx bun.IDB, one *Person) error {
	taken, err := tx.NewSelect().Model((*Person)(nil)).Where("lower(name) = lower(?)", one.Name).Exists(ctx)
	if err != nil {
		return err
	}
	if taken {
		return ErrNameTaken
	}
	_, err = tx.NewInsert().Model(one).Exec(ctx)
	return err
}

// Add adds a person and returns the secret of the link with which that person
// chooses a password.
func (p *People) Add(ctx context.Context, who, name string, role Role) (secret string, err error) {
	switch {
	case !validName.MatchString(name):
		return "", ErrName
	case !role.Valid():
		return "", ErrRole
	}
	err = p.db.Tx(ctx, func(ctx context.Context, tx bun.Tx) error {
		one := Person{ID: newID(), Name: name, Role: role, Created: db.Micros(time.Now())}
		if err := insert(ctx, tx, &one); err != nil {
			return err
		}
		if secret, err = p.link(ctx, tx, one.ID); err != nil {
			return err
		}
		return WriteIn(ctx, tx, who, "person.add", name, string(role))
	})
	if err != nil {
		return "", fmt.Errorf("add person: %w", err)
	}
	return secret, nil
}

// Reset returns the secret of a new one-time link of a person. The old password
// holds until the link is used.
func (p *People) Reset(ctx context.Context, who, id string) (secret string, err error) {
	err = p.db.Tx(ctx, func(ctx context.Context, tx bun.Tx) error {
		one, err := get(ctx, tx, id)
		if err != nil {
			return err
		}
		if secret, err = p.link(ctx, tx, id); err != nil {
			return err
		}
		return WriteIn(ctx, tx, who, "person.link", one.Name, "")
	})
	if err != nil {
		return "", fmt.Errorf("reset password: %w", err)
	}
	return secret, nil
}

// Change sets role and state of a person. The hub keeps an admin who can log in.
func (p *People) Change(ctx context.Context, who, id string, role Role, disabled bool) error {
	if !role.Valid() {
		return ErrRole
	}
	err := p.db.Tx(ctx, func(ctx context.Context, tx bun.Tx) error {
		one, err := get(ctx, tx, id)
		if err != nil {
			return err
		}
		if one.Role == role && one.Disabled == disabled {
			return nil
		}
		before := one
		one.Role, one.Disabled = role, disabled
		if _, err := tx.NewUpdate().Model(&one).WherePK().Column("role", "disabled").Exec(ctx); err != nil {
			return err
		}
		admins, err := tx.NewSelect().Model((*Person)(nil)).Where("role = ?", Admin).Where("NOT disabled").Where("password <> ?", noPassword).Count(ctx)
		if err != nil {
			return err
		}
		if admins == 0 {
			return ErrLastAdmin
		}
		detail := fmt.Sprintf("%s → %s", before.Role, role)
		if before.Disabled != disabled {
			detail = map[bool]string{true: "disabled", false: "enabled"}[disabled]
		}
		return WriteIn(ctx, tx, who, "person.change", one.Name, detail)
	})
	if err != nil {
		return fmt.Errorf("change person: %w", err)
	}
	return nil
}

// Get returns the person with an identifier, or ErrNotFound.
func (p *People) Get(ctx context.Context, id string) (Person, error) {
	return get(ctx, p.db.Read(), id)
}

func get(ctx context.Context, tx bun.IDB, id string) (Person, error) {
	return one(tx.NewSelect().Where("id = ?", id), ctx)
}

func one(q *bun.SelectQuery, ctx context.Context) (Person, error) {
	var p Person
	err := q.Model(&p).Scan(ctx)
	if errors.Is(err, sql.ErrNoRows) {
		return Person{}, ErrNotFound
	}
	if err != nil {
		return Person{}, fmt.Errorf("read person: %w", err)
	}
	return p, nil
}

// ByName returns the person with a name, or ErrNotFound.
func (p *People) ByName(ctx context.Context, name string) (Person, error) {
	return one(p.db.Read().NewSelect().Where("lower(name) = lower(?)", name), ctx)
}

// List returns everyone by name. A hub has tens of people, not thousands.
func (p *People) List(ctx context.Context) ([]Person, error) {
	var all []Person
	if err := p.db.Read().NewSelect().Model(&all).Order("name").Limit(1000).Scan(ctx); err != nil {
		return nil, fmt.Errorf("list people: %w", err)
	}
	return all, nil
}

// LogIn returns the person with this name and password, or ErrWrong, which
// doesn't tell what was wrong.
func (p *People) LogIn(ctx context.Context, name, password string) (Person, error) {
	found, err := p.ByName(ctx, name)
	if err != nil && !errors.Is(err, ErrNotFound) {
		return Person{}, err
	}
	hash := found.Password
	if err != nil || hash == noPassword || found.Disabled || len(password) > 4*MaxPassword {
		hash, password = p.decoy, ""
	}
	ok, err := p.hash.matches(ctx, password, hash)
	if err != nil {
		return Person{}, fmt.Errorf("check password: %w", err)
	}
	if !ok {
		return Person{}, ErrWrong
	}
	return found, nil
}

// SetPassword changes the password of one who knows the old one.
func (p *People) SetPassword(ctx context.Context, id, old, password string) (Person, error) {
	one, err := p.Get(ctx, id)
	if err != nil {
		return Person{}, err
	}
	if one, err = p.LogIn(ctx, one.Name, old); err != nil {
		return Person{}, err
	}
	if err := checkPassword(one.Name, password); err != nil {
		return Person{}, err
	}
	before := one.Password
	if one.Password, err = p.hash.hash(ctx, password); err != nil {
		return Person{}, fmt.Errorf("hash password: %w", err)
	}
	err = p.db.Tx(ctx, func(ctx context.Context, tx bun.Tx) error {
		done, err := tx.NewUpdate().Model(&one).WherePK().Where("password = ?", before).Column("password").Exec(ctx)
		if err != nil {
			return err
		}
		if n, err := done.RowsAffected(); err != nil || n == 0 {
			return errors.Join(err, ErrWrong) // somebody changed it meanwhile: the old one is no longer the old one
		}
		return WriteIn(ctx, tx, one.Name, "person.password", one.Name, "changed")
	})
	if err != nil {
		return Person{}, fmt.Errorf("change password: %w", err)
	}
	return one, nil
}

// Visit notes that a person is here, once a minute at most. Where it can't be
// written down, the person is here all the same: the page that says why the
// database takes nothing must be readable.
func (p *People) Visit(ctx context.Context, one Person) {
	now := time.Now()
	if now.Sub(one.SeenAt()) < seenEvery {
		return
	}
	_, _ = p.db.Write().NewUpdate().Model((*Person)(nil)).Set("seen_at = ?", db.Micros(now)).Where("id = ?", one.ID).Exec(ctx)
}
