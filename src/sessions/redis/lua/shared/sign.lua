--[[
  Counts URLs that are about to be signed for an upload, if there may be as many today (UTC).
]]
local function sign(record, urls, perPart, spare, now)
  if urls == 0 then return true end
  local day = math.max(math.floor(now / 86400000), record.urlsDay or 0)
  local used = record.urlsDay == day and record.urls or 0
  local max = perPart * record.total + spare
  if used + urls > max then return false, used, max end
  record.urls, record.urlsDay = used + urls, day
  return true
end
