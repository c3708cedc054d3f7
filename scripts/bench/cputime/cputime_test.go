package cputime

import (
	"os"
	"os/exec"
	"slices"
	"testing"
	"time"
)

func TestWorkOfAChildCountsToTheTreeAndNotToItsParent(t *testing.T) {
	child := exec.Command("sh", "-c", "i=0; while [ $i -lt 300000 ]; do i=$((i+1)); done; echo done; read line")
	in, err := child.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	out, err := child.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := child.Start(); err != nil {
		t.Fatal(err)
	}
	defer child.Wait()
	defer in.Close()
	if _, err := out.Read(make([]byte, 1)); err != nil { // its work is done, and it waits
		t.Fatal(err)
	}
	worked, err := Of(child.Process.Pid)
	if err != nil || worked < 2*tick {
		t.Fatalf("the child used %v, %v", worked, err)
	}
	alone, err := Of(os.Getpid())
	if err != nil {
		t.Fatal(err)
	}
	tree, err := Tree(os.Getpid())
	if err != nil || !slices.Contains(tree, os.Getpid()) || !slices.Contains(tree, child.Process.Pid) || slices.Contains(tree, os.Getppid()) {
		t.Fatalf("the tree is %v, %v", tree, err)
	}
	all, err := Of(tree...)
	if err != nil || all < alone+worked-2*tick || all > alone+worked+time.Second {
		t.Errorf("the tree used %v, this process %v and its child %v: %v", all, alone, worked, err)
	}
}

func TestAProcessThatIsNotThereIsAnError(t *testing.T) {
	t.Parallel()
	if _, err := Of(1 << 30); err == nil {
		t.Error("Of says nothing")
	}
	if _, err := Tree(1 << 30); err == nil {
		t.Error("Tree says nothing")
	}
}
