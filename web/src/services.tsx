// Services: their state and health, and how to start and stop them.
import { useCallback, useEffect, useState } from "preact/hooks";
import { get, post, type Me } from "./api";
import type { Service } from "./model";
import { Refused, useAsked } from "./parts";

const EVERY_MS = 5000;
const STOPPED = new Set(["stopped", "exited", "errored"]);

export function Services({ me }: { me: Me }) {
  const [services, setServices] = useState<Service[]>([]);
  const [refusal, run] = useAsked();
  const look = useCallback(
    () =>
      get<{ services: Service[] }>("/v1/services").then(
        (found) => setServices(found.services),
        () => undefined,
      ),
    [],
  );
  useEffect(() => {
    void look();
    const timer = window.setInterval(() => !document.hidden && void look(), EVERY_MS);
    return () => window.clearInterval(timer);
  }, []);
  if (services.length === 0) return null;
  const perform = (service: Service, what: string): void =>
    run(post(`/v1/services/${encodeURIComponent(service.name)}/${what}`).finally(look));
  const may = me.scope === "admin" && !me.only;
  return (
    <section aria-labelledby="services">
      <h2 id="services">Services</h2>
      <Refused text={refusal} />
      <div class="scroll" tabIndex={0} role="region" aria-label="Services">
        <table>
          <thead>
            <tr>
              <th scope="col">Name</th>
              <th scope="col">State</th>
              <th scope="col">Health</th>
              <th scope="col">Restarts</th>
              {may && <th scope="col"><span class="hidden">Actions</span></th>}
            </tr>
          </thead>
          <tbody>
            {services.map((service) => (
              <tr key={service.name}>
                <th scope="row">
                  {service.session_id ? <a href={`#/s/${encodeURIComponent(service.session_id)}`}>{service.name}</a> : service.name}
                </th>
                <td>
                  <span class={`chip ${service.state}`}>{service.state}</span> {service.reason ? String(service.reason) : ""}
                </td>
                <td>
                  <Health service={service} />
                </td>
                <td>{service.restarts ?? 0}</td>
                {may && (
                  <td class="actions">
                    {STOPPED.has(service.state) ? (
                      <button class="link" aria-label={`Start ${service.name}`} onClick={() => perform(service, "start")}>Start</button>
                    ) : (
                      <>
                        <button class="link" aria-label={`Restart ${service.name}`} onClick={() => perform(service, "restart")}>Restart</button>
                        <button class="link" aria-label={`Stop ${service.name}`} onClick={() => perform(service, "stop")}>Stop</button>
                      </>
                    )}
                  </td>
                )}
              </tr>
            ))}
          </tbody>
        </table>
      </div>
    </section>
  );
}

function Health({ service }: { service: Service }) {
  if (!service.health) return <span class="faint">not checked</span>;
  return (
    <>
      <span class={`chip ${service.health}`}>{service.health}</span> {service.health_detail ? String(service.health_detail) : ""}
    </>
  );
}
