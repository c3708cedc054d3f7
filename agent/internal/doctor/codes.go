package doctor

// Code names what a check found. The catalogue in internal/web says it in words
// ("doctor.<code>"), and what to do about it ("doctor.<code>.do") where the
// verdict is Warning or Failed.
type Code string

// What can be found.
const (
	configOK       Code = "config_ok"
	configDefaults Code = "config_defaults"
	configRunning  Code = "config_running"
	configBad      Code = "config_bad"
	configNoCamera Code = "config_no_camera"
	profileNamed   Code = "profile_named"
	profileMatched Code = "profile_matched"
	profileCPU     Code = "profile_cpu"
	profileGeneric Code = "profile_generic"

	agentStopped Code = "agent_stopped"
	agentRunning Code = "agent_running"
	agentSilent  Code = "agent_silent"
	agentUnknown Code = "agent_unknown"

	dataOK       Code = "data_ok"
	dataNew      Code = "data_new"
	dataReadonly Code = "data_readonly"
	dataNoFolder Code = "data_no_folder"
	dataFile     Code = "data_file"
	dataOwner    Code = "data_owner"
	dataVolatile Code = "data_volatile"
	dataSync     Code = "data_sync"

	diskOK         Code = "disk_ok"
	diskSlow       Code = "disk_slow"
	diskCrawls     Code = "disk_crawls"
	diskNoFolder   Code = "disk_no_folder"
	diskNoRoom     Code = "disk_no_room"
	diskUnmeasured Code = "disk_unmeasured"
	diskBroken     Code = "disk_broken"

	spaceOK      Code = "space_ok"
	spaceQuota   Code = "space_quota"
	spaceLow     Code = "space_low"
	spaceFull    Code = "space_full"
	spaceUnknown Code = "space_unknown"

	clockSynced    Code = "clock_synced"
	clockEstimated Code = "clock_estimated"
	clockUnknown   Code = "clock_unknown"
	ntpOK          Code = "ntp_ok"
	ntpHost        Code = "ntp_host"
	ntpWaiting     Code = "ntp_waiting"
	ntpNone        Code = "ntp_none"

	memoryOK      Code = "memory_ok"
	memorySmall   Code = "memory_small"
	memoryShort   Code = "memory_short"
	memoryUnknown Code = "memory_unknown"

	heatOK       Code = "heat_ok"
	heatHot      Code = "heat_hot"
	heatCritical Code = "heat_critical"
	heatThrottle Code = "heat_throttled"
	heatUnknown  Code = "heat_unknown"
	powerOK      Code = "power_ok"
	powerBefore  Code = "power_before"
	powerLow     Code = "power_low"
	powerUnknown Code = "power_unknown"

	cpuFast     Code = "cpu_fast"
	cpuPlain    Code = "cpu_plain"
	cpuGovernor Code = "cpu_governor"

	workerMissing   Code = "worker_missing"
	runtimeOK       Code = "runtime_ok"
	runtimeOther    Code = "runtime_other"
	runtimeMissing  Code = "runtime_missing"
	runtimeUnusable Code = "runtime_unusable"
	runtimeProvider Code = "runtime_provider"
	runtimeUnseen   Code = "runtime_unseen"

	modelOK         Code = "model_ok"
	modelRendered   Code = "model_rendered"
	modelMissing    Code = "model_missing"
	modelRefused    Code = "model_refused"
	modelNewer      Code = "model_newer"
	modelVariant    Code = "model_variant"
	modelDown       Code = "model_down"
	modelStarting   Code = "model_starting"
	variantChosen   Code = "variant_chosen"
	variantOnly     Code = "variant_only"
	variantBase     Code = "variant_base"
	variantPasses   Code = "variant_passes"
	variantFails    Code = "variant_fails"
	variantUntimed  Code = "variant_untimed"
	variantsUnknown Code = "variants_unknown"
	paceOK          Code = "pace_ok"
	paceSlow        Code = "pace_slow"
	paceUnknown     Code = "pace_unknown"

	cameraOK         Code = "camera_ok"
	cameraOnce       Code = "camera_once"
	cameraMissing    Code = "camera_missing"
	cameraNone       Code = "camera_none"
	cameraPermission Code = "camera_permission"
	cameraUnopened   Code = "camera_unopened"
	cameraSilent     Code = "camera_silent"
	cameraPassword   Code = "camera_password"
	cameraLogin      Code = "camera_login"
	cameraPath       Code = "camera_path"
	cameraRefused    Code = "camera_refused"
	cameraNoHost     Code = "camera_no_host"
	cameraNoName     Code = "camera_no_name"
	cameraEmpty      Code = "camera_empty"
	cameraUnknown    Code = "camera_unknown"
	cameraSize       Code = "camera_size"
	cameraSlow       Code = "camera_slow"
	cameraDark       Code = "camera_dark"
	cameraBright     Code = "camera_bright"
	cameraBlurred    Code = "camera_blurred"
	cameraExposure   Code = "camera_exposure"
	cameraStarting   Code = "camera_starting"

	pageFree   Code = "page_free"
	pageBusy   Code = "page_busy"
	pageDenied Code = "page_denied"
	pageBad    Code = "page_bad"
	pageServed Code = "page_served"
	pageSilent Code = "page_silent"

	unchecked Code = "unchecked"
)

// Codes returns every code with its verdict.
func Codes() map[Code]Verdict {
	return map[Code]Verdict{
		configOK: OK, configDefaults: OK, configRunning: OK, configBad: Failed, configNoCamera: Warning,
		profileNamed: OK, profileMatched: OK, profileCPU: OK, profileGeneric: OK,
		agentStopped: OK, agentRunning: OK, agentSilent: Warning, agentUnknown: Skipped,
		dataOK: OK, dataNew: OK, dataReadonly: Failed, dataNoFolder: Failed, dataFile: Failed, dataOwner: Failed, dataVolatile: Warning, dataSync: Failed,
		diskOK: OK, diskSlow: Warning, diskCrawls: Failed, diskNoFolder: Skipped, diskNoRoom: Skipped, diskUnmeasured: Skipped, diskBroken: Failed,
		spaceOK: OK, spaceQuota: Warning, spaceLow: Warning, spaceFull: Failed, spaceUnknown: Skipped,
		clockSynced: OK, clockEstimated: Warning, clockUnknown: Failed,
		ntpOK: OK, ntpHost: OK, ntpWaiting: Warning, ntpNone: Warning,
		memoryOK: OK, memorySmall: Warning, memoryShort: Warning, memoryUnknown: Skipped,
		heatOK: OK, heatHot: Warning, heatCritical: Failed, heatThrottle: Warning, heatUnknown: Skipped,
		powerOK: OK, powerBefore: Warning, powerLow: Failed, powerUnknown: Skipped,
		cpuFast: OK, cpuPlain: OK, cpuGovernor: Warning,
		workerMissing: Failed,
		runtimeOK:     OK, runtimeOther: Warning, runtimeMissing: Failed, runtimeUnusable: Failed, runtimeProvider: Failed, runtimeUnseen: Skipped,
		modelOK: OK, modelRendered: OK, modelMissing: Failed, modelRefused: Failed, modelNewer: Failed, modelVariant: Failed,
		modelDown: Failed, modelStarting: Skipped,
		variantChosen: OK, variantOnly: OK, variantBase: OK, variantPasses: OK, variantFails: Warning, variantUntimed: OK, variantsUnknown: Skipped,
		paceOK: OK, paceSlow: Warning, paceUnknown: Skipped,
		cameraOK: OK, cameraOnce: OK, cameraMissing: Failed, cameraNone: Failed, cameraPermission: Failed, cameraUnopened: Failed, cameraSilent: Failed,
		cameraPassword: Failed, cameraLogin: Failed, cameraPath: Failed, cameraRefused: Failed, cameraNoHost: Failed, cameraNoName: Failed, cameraEmpty: Failed, cameraUnknown: Failed,
		cameraSize: Warning, cameraSlow: Warning, cameraDark: Warning, cameraBright: Warning, cameraBlurred: Warning, cameraExposure: Warning, cameraStarting: Skipped,
		pageFree: OK, pageBusy: Failed, pageDenied: Failed, pageBad: Failed, pageServed: OK, pageSilent: Warning,
		unchecked: Skipped,
	}
}
