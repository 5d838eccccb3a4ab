package modes

import (
	"math"
	"strconv"
	"time"

	"github.com/slipway-deploy/slipway/libs/deploy"
)

// stages is how many steps a deployment has, as clients count them: to connect, to bring
// the files, to install what they need, to set them up, and to start and check them.
const stages = 5

// place is where a step stands: in which stage, and how much of all is behind when it
// begins, in percent.
type place struct {
	name   string
	stage  int // from 0
	behind float64
}

var places = map[deploy.Step]place{
	deploy.StepConnect: {"連接伺服器", 0, 0},
	deploy.StepBefore:  {"執行前置任務", 0, 10},
	deploy.StepStage:   {"傳輸檔案", 1, 20},
	deploy.StepPrepare: {"安裝依賴", 2, 40},
	deploy.StepSwitch:  {"配置環境", 3, 60},
	deploy.StepDuring:  {"配置環境", 3, 70},
	deploy.StepSetUp:   {"配置環境", 3, 60},
	deploy.StepTraffic: {"切換流量", 3, 75},
	deploy.StepRestart: {"啟動服務", 4, 80},
	deploy.StepCheck:   {"健康檢查", 4, 85},
	deploy.StepAfter:   {"執行後置任務", 4, 90},
	deploy.StepRetire:  {"清理", 4, 95},
	deploy.StepClean:   {"清理", 4, 95},
}

// ends is what is said in place of a step where a deployment has ended, or has not begun.
var ends = map[deploy.State]string{
	deploy.Succeeded: "部署完成", deploy.Failed: "部署失敗", deploy.Cancelled: "部署已取消", deploy.Rejected: "部署已取消",
	deploy.AwaitingApproval: "等待批准", deploy.Scheduled: "等待開始", deploy.Waiting: "等待部署槽位",
}

const (
	waiting = "準備部署"
	between = "等待下一批伺服器"
)

// reached is how far a deployment is, as clients are told.
type reached struct {
	step    string
	percent float64
	stages  int // that are behind on every server
}

func reach(s deploy.Headway) reached {
	if s.State == deploy.Succeeded {
		return reached{ends[s.State], 100, stages}
	}
	sum, least, said := float64(100*s.Ended), stages, false
	name, first := ends[s.State], 100.0
	begun := s.Ended
	for step, count := range s.At {
		p := places[step]
		begun += count
		sum += p.behind * float64(count)
		least = min(least, p.stage)
		if !s.State.Terminal() && (!said || p.behind < first) {
			name, first, said = p.name, p.behind, true
		}
	}
	if begun < s.All {
		least = 0
	}
	switch {
	case name != "":
	case s.Ended > 0 && s.Ended < s.All:
		name = between
	case s.Ended > 0:
		name = places[deploy.StepClean].name
	default:
		name = waiting
	}
	percent := 0.0
	if s.All > 0 {
		percent = math.Round(sum/float64(s.All)*10) / 10
	}
	// What has failed is not complete, although each of its servers has ended.
	return reached{name, min(percent, 99), min(least, stages-1)}
}

// callback is what the receiver of a deployment's callback is told.
type callback struct {
	Deployment string  `json:"deployment_id"`
	Step       string  `json:"current_step"`
	Progress   float64 `json:"progress_percentage"`
	Time       string  `json:"timestamp"`
}

// Callback is the webhooks.Form of the dialect.
func Callback(native string, noted []deploy.Note, h deploy.Headway, at time.Time) (body any, told string) {
	mode := ""
	for _, n := range noted {
		if n.Name == noteMode {
			mode = n.Value
		}
	}
	now := reach(h)
	id := idOf(native, mode)
	if id == "" { // it was not begun by a client of the dialect
		id = native
	}
	return callback{id, now.step, now.percent, stamp(at)}, now.step + " " + strconv.FormatFloat(now.percent, 'f', 1, 64)
}
