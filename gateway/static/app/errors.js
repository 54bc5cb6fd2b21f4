// What the service answers instead of a result.

/** What the service answered instead of a result. */
export class ApiError extends Error {
  /**
   * @param {number} status 0 where nothing was answered
   * @param {string} reason
   * @param {string} detail
   */
  constructor(status, reason, detail) {
    super(detail);
    this.status = status;
    this.reason = reason;
  }
}

/**
 * @param {number} status
 * @param {string} text the body, a problem (RFC 9457) unless something between here and the gateway answered
 */
export function toError(status, text) {
  try {
    const problem = JSON.parse(text);
    return new ApiError(status, problem.reason ?? "", problem.detail ?? problem.title ?? "");
  } catch {
    return new ApiError(status, "", "");
  }
}
